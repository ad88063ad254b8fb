//! An event on its way out, as `Config.before_send` sees it.

const c = @import("c.zig");
const map = @import("map.zig");
const types = @import("types.zig");
const std = @import("std");

const CaptureError = types.CaptureError;

/// Lasts for the call. What a getter returns lasts until the next call with the same event.
pub const Outgoing = struct {
    handle: *c.Event,
    allocator: std.mem.Allocator,

    pub fn name(self: *Outgoing) []const u8 {
        return std.mem.span(c.ph_event_get_name(self.handle) orelse "");
    }

    pub fn distinctId(self: *Outgoing) []const u8 {
        return std.mem.span(c.ph_event_get_distinct_id(self.handle) orelse "");
    }

    /// All that will leave, as the text of a JSON object.
    pub fn properties(self: *Outgoing) []const u8 {
        return std.mem.span(c.ph_event_get_properties(self.handle) orelse "{}");
    }

    /// One property as JSON; `null` when there is none.
    pub fn get(self: *Outgoing, key: []const u8) CaptureError!?[]const u8 {
        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        return std.mem.span(c.ph_event_get_property(self.handle, try texts.of(key)) orelse return null);
    }

    pub fn set(self: *Outgoing, list: []const types.Property) CaptureError!void {
        const props = c.ph_props_new() orelse return error.OutOfMemory;
        defer c.ph_props_free(props);
        try map.fill(props, list, self.allocator);
        try map.check(c.ph_event_set_properties(self.handle, props));
    }

    pub fn remove(self: *Outgoing, key: []const u8) CaptureError!void {
        try self.with(c.ph_event_remove_property, key);
    }

    pub fn setName(self: *Outgoing, new: []const u8) CaptureError!void {
        try self.with(c.ph_event_set_name, new);
    }

    pub fn setDistinctId(self: *Outgoing, id: []const u8) CaptureError!void {
        try self.with(c.ph_event_set_distinct_id, id);
    }

    fn with(self: *Outgoing, call: anytype, text: []const u8) CaptureError!void {
        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        try map.check(call(self.handle, try texts.of(text)));
    }
};
