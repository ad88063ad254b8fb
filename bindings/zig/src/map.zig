//! Property maps of the library, filled from Zig's, and texts as C has them.

const std = @import("std");
const c = @import("c.zig");
const types = @import("types.zig");

const CaptureError = types.CaptureError;

/// What a call of the library says, as posthog-zig's captures say it.
pub fn check(status: c.Status) CaptureError!void {
    return switch (status) {
        // An event that overflows the queue is counted there, and one that `before_send` drops is
        // the program's own wish.
        .ok, .error_queue_full, .error_filtered => {},
        .error_no_memory => error.OutOfMemory,
        else => error.WriteFailed,
    };
}

/// Texts with a NUL behind them, which live as long as it does.
pub const Texts = struct {
    arena: std.heap.ArenaAllocator,

    pub fn init(allocator: std.mem.Allocator) Texts {
        return .{ .arena = .init(allocator) };
    }

    pub fn deinit(self: *Texts) void {
        self.arena.deinit();
    }

    /// Refuses a text that has a NUL inside, where C would take it for shorter than it is.
    pub fn of(self: *Texts, text: []const u8) CaptureError![:0]const u8 {
        if (std.mem.findScalar(u8, text, 0) != null) return error.WriteFailed;
        return self.arena.allocator().dupeSentinel(u8, text, 0);
    }
};

/// Sets every property. The allocator is for keys that are longer than keys are.
pub fn fill(map: *c.Props, list: []const types.Property, allocator: std.mem.Allocator) CaptureError!void {
    for (list) |property| switch (property.value) {
        .string => |text| try check(c.ph_props_set_str_n(map, property.key.ptr, property.key.len, text.ptr, text.len)),
        .integer => |number| try set(c.ph_props_set_int, map, property.key, number, allocator),
        .float => |number| try set(c.ph_props_set_double, map, property.key, number, allocator),
        .boolean => |boolean| try set(c.ph_props_set_bool, map, property.key, boolean, allocator),
    };
}

fn set(setter: anytype, map: *c.Props, key: []const u8, value: anytype, allocator: std.mem.Allocator) CaptureError!void {
    var buffer: [128]u8 = undefined;
    if (key.len < buffer.len) {
        if (std.mem.findScalar(u8, key, 0) != null) return error.WriteFailed;
        @memcpy(buffer[0..key.len], key);
        buffer[key.len] = 0;
        return check(setter(map, buffer[0..key.len :0], value));
    }
    var texts: Texts = .init(allocator);
    defer texts.deinit();
    return check(setter(map, try texts.of(key), value));
}

/// A map that is filled with properties of either kind, or with both.
pub fn filled(
    list: ?[]const types.Property,
    json: ?[]const u8,
    allocator: std.mem.Allocator,
) CaptureError!*c.Props {
    const map = try take();
    errdefer give(map);
    if (list) |properties| try fill(map, properties, allocator);
    if (json) |text| try check(c.ph_props_set_members(map, text.ptr, text.len));
    return map;
}

pub fn filledFrom(properties: types.Properties, allocator: std.mem.Allocator) CaptureError!*c.Props {
    return switch (properties) {
        .list => |list| filled(list, null, allocator),
        .json => |json| filled(null, json, allocator),
    };
}

/// A thread's map, to be used again: one that is cleared and filled anew allocates nothing. Who wants
/// a second at the same time gets one that is freed afterwards.
const Own = struct {
    map: ?*c.Props = null,
    taken: bool = false,
};

threadlocal var own: Own = .{};

pub fn take() error{OutOfMemory}!*c.Props {
    if (own.taken) return c.ph_props_new() orelse error.OutOfMemory;
    const map = own.map orelse try first();
    own.taken = map == own.map;
    return map;
}

pub fn give(map: *c.Props) void {
    if (map != own.map) return c.ph_props_free(map);
    _ = c.ph_props_clear(map);
    own.taken = false;
}

/// A map that is the thread's from now on, if its end can be waited for.
fn first() error{OutOfMemory}!*c.Props {
    const map = c.ph_props_new() orelse return error.OutOfMemory;
    const key = at_end.get() orelse return map;
    if (std.c.pthread_setspecific(key, map) == 0) own.map = map;
    return map;
}

/// The process's key whose destructor frees the maps of threads that end. Whoever finds it being made
/// does without: nobody waits, not even in a child of fork.
const at_end = struct {
    var key: std.c.pthread_key_t = undefined;
    var state: std.atomic.Value(enum(u8) { none, making, made }) = .init(.none);

    fn get() ?std.c.pthread_key_t {
        if (state.load(.acquire) == .made) return key;
        if (state.cmpxchgStrong(.none, .making, .acquire, .monotonic) != null) return null;
        if (std.c.pthread_key_create(&key, free) != .SUCCESS) return null;
        state.store(.made, .release);
        return key;
    }

    fn free(map: *anyopaque) callconv(.c) void {
        // What is captured still, by other destructors, has maps of its own.
        own = .{ .taken = true };
        c.ph_props_free(@ptrCast(map));
    }
};
