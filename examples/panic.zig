//! A program that dies of a panic, and reports it at its next start.
//!
//!     panic DIRECTORY die     # says goodbye
//!     panic DIRECTORY         # sends what the last one left, as an exception
//!
//! POSTHOG_API_KEY and POSTHOG_HOST say where to.

const std = @import("std");
const posthog = @import("posthog");

/// What the panic finds: it is handed nothing but its message.
var running: ?*posthog.PostHogClient = null;

pub const panic = std.debug.FullPanic(lastWords);

fn lastWords(message: []const u8, first_trace_addr: ?usize) noreturn {
    // Nothing is sent now: a file is all that a program in this state should be trusted with.
    if (running) |client| _ = client.writeCrash(message);
    std.debug.defaultPanic(message, first_trace_addr);
}

noinline fn reactor(rods: []const u32, index: usize) u32 {
    return rods[index];
}

pub fn main(init: std.process.Init) !void {
    var args = init.minimal.args.iterate();
    _ = args.skip();
    const directory = args.next() orelse return error.NoDirectory;
    const dies = args.next() != null;

    const client = try posthog.init(init.gpa, init.io, .{
        .api_key = init.environ_map.get("POSTHOG_API_KEY") orelse "",
        .host = init.environ_map.get("POSTHOG_HOST") orelse "https://us.i.posthog.com",
        .storage_dir = directory,
        // For what is no panic: a bad pointer in a C library, an abort.
        .crash_handler = true,
    });
    defer client.deinit();
    running = client;
    try client.setCrashDistinctId("user_42");
    if (dies) std.debug.print("{d}\n", .{reactor(&.{ 1, 2, 3 }, init.environ_map.count() + 100)});
    try client.flush();
    std.debug.print("reported: {d}\n", .{client.ledger().delivered});
}
