//! The shop of quickstart.c in Zig: the same program through bindings/zig. `make demo EXAMPLE=zig`
//! builds and runs it.

const std = @import("std");
const posthog = @import("posthog");

const user = "user_42";

var stopping: std.atomic.Value(bool) = .init(false);

/// Only notes that the signal came: nothing else is safe in a handler.
fn stop(_: std.posix.SIG) callconv(.c) void {
    stopping.store(true, .monotonic);
}

/// A lost event is worth a line, but no reason to stop serving customers.
fn check(what: []const u8, outcome: anyerror!void) bool {
    outcome catch |failure| {
        std.debug.print("{s}: {t}\n", .{ what, failure });
        return false;
    };
    return true;
}

/// Who the user is, by which other id they are known, and which company they buy for.
fn introduce(client: *posthog.PostHogClient) void {
    _ = check("identify", client.identify(.{
        .distinct_id = user,
        .properties = &.{.{ .key = "plan", .value = .{ .string = "pro" } }},
        .set_once = .{ .list = &.{.{ .key = "first_seen_on", .value = .{ .string = "newsletter" } }} },
    }));
    _ = check("alias", client.alias(user, "visitor_7"));
    _ = check("group", client.group(.{ .distinct_id = user, .group_type = "company", .group_key = "engines", .properties = &.{
        .{ .key = "name", .value = .{ .string = "Analytical Engines" } },
        .{ .key = "employees", .value = .{ .integer = 40 } },
    } }));
}

/// One request evaluates every flag of the user.
fn greet(client: *posthog.PostHogClient, out: *std.Io.Writer) !void {
    var flags = client.evaluateFlags(user, .{}) catch |failure| {
        std.debug.print("flags: {t}\n", .{failure});
        return;
    };
    defer flags.deinit();
    const on = flags.isEnabled("new-checkout", false);
    const payload = flags.payload("new-checkout") orelse "none";
    try out.print("new-checkout is {s}, payload {s}\n", .{ if (on) "on" else "off", payload });
}

fn takeOrder(client: *posthog.PostHogClient, number: i64) void {
    // Asks PostHog once, and then answers from memory.
    const enabled = client.flagEnabled("new-checkout", user, false);
    _ = check("order", client.capture(.{
        .distinct_id = user,
        .event = "order placed",
        .properties = &.{
            .{ .key = "order", .value = .{ .integer = number } },
            .{ .key = "total", .value = .{ .float = 49.9 } },
            .{ .key = "new_checkout", .value = .{ .boolean = enabled } },
        },
        .json =
        \\{"items": [{"sku": "tea", "count": 2}]}
        ,
    }));
}

/// With its own uuid and time, an event that is sent twice is still one event.
fn importDelivery(client: *posthog.PostHogClient) void {
    _ = check("delivery", client.capture(.{
        .distinct_id = user,
        .event = "order delivered",
        .uuid = "0190a6e0-7c3b-7def-8123-456789abcdef",
        .time = "2026-11-20T10:00:00.5+01:00",
        .groups = &.{.{ .type = "company", .key = "engines" }},
    }));
}

fn reportFailure(client: *posthog.PostHogClient) void {
    _ = check("failure", client.captureException(.{
        .distinct_id = user,
        .exception_type = "PaymentError",
        .exception_message = "the card was declined",
        .at = @src(),
    }));
}

/// Every event that came is in exactly one of the columns on the right.
fn printLedger(ledger: posthog.Ledger, out: *std.Io.Writer) !void {
    try out.print(
        \\
        \\  accepted + adopted = delivered + queued + in flight + stored + drained + dropped
        \\  {d:>8} + {d:>7} = {d:>9} + {d:>6} + {d:>9} + {d:>6} + {d:>7} + {d:>7}  {s}
        \\
    , .{
        ledger.accepted,                                                 ledger.adopted, ledger.delivered, ledger.queued,
        ledger.in_flight,                                                ledger.stored,  ledger.drained,   ledger.dropped,
        if (ledger.balances()) "it balances" else "IT DOES NOT BALANCE",
    });
}

pub fn main(init: std.process.Init) !void {
    var args = init.minimal.args.iterate();
    _ = args.skip();
    const orders = if (args.next()) |text| try std.fmt.parseInt(i64, text, 10) else 3;
    const action: std.posix.Sigaction = .{ .handler = .{ .handler = stop }, .mask = std.posix.sigemptyset(), .flags = 0 };
    std.posix.sigaction(.INT, &action, null);
    std.posix.sigaction(.TERM, &action, null);

    var buffer: [4096]u8 = undefined;
    var file: std.Io.File.Writer = .init(.stdout(), init.io, &buffer);
    const out = &file.interface;

    const client = try posthog.init(init.gpa, init.io, .{
        .api_key = init.environ_map.get("POSTHOG_API_KEY") orelse "",
        .host = init.environ_map.get("POSTHOG_HOST") orelse "https://us.i.posthog.com",
    });
    defer client.deinit();

    introduce(client);
    try greet(client, out);
    var order: i64 = 1;
    while (order <= orders and !stopping.load(.monotonic)) : (order += 1) takeOrder(client, order);
    importDelivery(client);
    reportFailure(client);
    const delivered = check("flush", client.flush());

    const ledger = client.ledger();
    try printLedger(ledger, out);
    try out.flush();
    if (!delivered or !ledger.balances()) std.process.exit(1);
}
