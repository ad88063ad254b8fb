//! Linked with a library that says it is of another version: `init` fails, and the log says why.

const std = @import("std");
const posthog = @import("posthog");

pub fn main(init: std.process.Init) !void {
    const none = posthog.init(init.gpa, init.io, .{ .api_key = "phc_zig" });
    try std.testing.expectError(error.Unexpected, none);
}
