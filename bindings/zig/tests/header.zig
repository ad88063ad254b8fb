//! The declarations that were written by hand are those of the header, as Zig's own translation of
//! it has them.

const std = @import("std");
const c = @import("posthog").c;
const header = @import("header");
const reflect = @import("reflect.zig");

/// What of a type a caller has to agree on with the function.
fn shape(comptime T: type) []const u8 {
    return switch (@typeInfo(T)) {
        .void => "void",
        .bool => "bool",
        .float => |float| std.fmt.comptimePrint("f{d}", .{float.bits}),
        .int => |int| std.fmt.comptimePrint("{t} {d}", .{ int.signedness, int.bits }),
        .@"enum" => |it| shape(it.tag_type),
        .optional => |it| shape(it.child),
        .pointer => |it| switch (@typeInfo(it.child)) {
            .@"fn" => signature(it.child),
            .@"opaque" => if (reflect.isConst(T)) "const handle" else "handle",
            .optional, .pointer => "pointer to " ++ shape(it.child),
            .int => |int| std.fmt.comptimePrint("{s} to {d} bits", .{ if (reflect.isConst(T)) "const" else "pointer", int.bits }),
            else => @compileError(@typeName(T)),
        },
        else => @compileError(@typeName(T)),
    };
}

fn signature(comptime F: type) []const u8 {
    const it = @typeInfo(F).@"fn";
    var text: []const u8 = shape(it.return_type.?) ++ "(";
    for (reflect.parameters(F)) |Parameter| text = text ++ shape(Parameter) ++ ", ";
    return text ++ ")";
}

test "every function is the header's" {
    @setEvalBranchQuota(2_000_000);
    inline for (comptime reflect.declarationNames(c)) |name| {
        if (comptime !std.mem.startsWith(u8, name, "ph_")) continue;
        const mine = comptime signature(@TypeOf(@field(c, name)));
        const theirs = comptime signature(@TypeOf(@field(header, name)));
        std.testing.expectEqualStrings(theirs, mine) catch |failure| {
            std.debug.print("{s}\n", .{name});
            return failure;
        };
    }
}

test "every function of the header is declared" {
    @setEvalBranchQuota(2_000_000);
    comptime var count = 0;
    inline for (comptime reflect.declarationNames(header)) |name| {
        if (comptime !std.mem.startsWith(u8, name, "ph_")) continue;
        if (comptime @typeInfo(@TypeOf(@field(header, name))) != .@"fn") continue;
        if (!@hasDecl(c, name)) {
            std.debug.print("{s} is not in src/c.zig\n", .{name});
            return error.NotDeclared;
        }
        count += 1;
    }
    try std.testing.expect(count > 180);
}

test "every constant has the header's value" {
    @setEvalBranchQuota(2_000_000);
    inline for (.{ c.Status, c.Stat, c.Overflow, c.Protocol, c.Level, c.LogLevel, c.Delivery, c.FlagSource }) |Enum| {
        inline for (comptime reflect.fieldNames(Enum)) |own| {
            comptime var buffer: [own.len]u8 = undefined;
            const name = "PH_" ++ comptime std.ascii.upperString(&buffer, own);
            try std.testing.expectEqual(@field(header, name), @intFromEnum(@field(Enum, own)));
        }
    }
    // UINT32_MAX in the header.
    try std.testing.expectEqual(std.math.maxInt(u32), c.PH_FOREVER);
    try std.testing.expectEqual(std.math.maxInt(u32), c.PH_NEVER);
    try std.testing.expectEqual(header.PH_NO_WAIT, c.PH_NO_WAIT);
    try std.testing.expectEqual(header.PH_UUID_SIZE, c.PH_UUID_SIZE);
    try std.testing.expectEqualStrings(header.PH_VERSION, @import("posthog").version);
}
