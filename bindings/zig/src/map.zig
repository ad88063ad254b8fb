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
        return self.arena.allocator().dupeZ(u8, text);
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
    pool: *Pool,
    list: ?[]const types.Property,
    json: ?[]const u8,
    allocator: std.mem.Allocator,
) CaptureError!*c.Props {
    const map = try pool.take();
    errdefer pool.give(map);
    if (list) |properties| try fill(map, properties, allocator);
    if (json) |text| try check(c.ph_props_set_members(map, text.ptr, text.len));
    return map;
}

pub fn filledFrom(pool: *Pool, properties: types.Properties, allocator: std.mem.Allocator) CaptureError!*c.Props {
    return switch (properties) {
        .list => |list| filled(pool, list, null, allocator),
        .json => |json| filled(pool, null, json, allocator),
    };
}

/// Maps to be used again: one that is cleared and filled anew allocates nothing.
pub const Pool = struct {
    slots: [8]Slot = @splat(.{}),

    /// On a cache line of its own: threads begin at different slots.
    const Slot = struct { map: std.atomic.Value(?*c.Props) align(std.atomic.cache_line) = .init(null) };

    threadlocal var place: u8 = 0;

    fn slot(self: *Pool, step: usize) *Slot {
        // Threads' own variables are pages apart.
        return &self.slots[((@intFromPtr(&place) >> 12) + step) % self.slots.len];
    }

    pub fn take(self: *Pool) error{OutOfMemory}!*c.Props {
        for (0..self.slots.len) |step| {
            const map = &self.slot(step).map;
            if (map.load(.monotonic) == null) continue;
            if (map.swap(null, .acquire)) |taken| return taken;
        }
        return c.ph_props_new() orelse error.OutOfMemory;
    }

    pub fn give(self: *Pool, map: *c.Props) void {
        _ = c.ph_props_clear(map);
        for (0..self.slots.len) |step| {
            const free = &self.slot(step).map;
            if (free.load(.monotonic) != null) continue;
            if (free.cmpxchgStrong(null, map, .release, .monotonic) == null) return;
        }
        c.ph_props_free(map);
    }

    pub fn deinit(self: *Pool) void {
        for (&self.slots) |*it| c.ph_props_free(it.map.swap(null, .acquire));
    }
};
