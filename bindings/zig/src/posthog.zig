//! PostHog for Zig, over libposthog. A program that was written for posthog-zig 0.2.0 compiles with
//! it unchanged.
//!
//!     const client = try posthog.init(allocator, posthog.defaultIo(), .{ .api_key = "phc_..." });
//!     defer client.deinit();
//!     try client.capture(.{ .distinct_id = "user_42", .event = "order placed" });

const std = @import("std");

pub const types = @import("types.zig");
pub const batch = @import("batch.zig");
pub const client = @import("client.zig");
pub const flags = @import("flags.zig");
pub const c = @import("c.zig");

pub const PostHogClient = client.PostHogClient;
pub const Config = types.Config;
pub const Property = types.Property;
pub const PropertyValue = types.PropertyValue;
pub const ExceptionLevel = types.ExceptionLevel;
pub const DeliveryStatus = types.DeliveryStatus;
pub const CaptureOptions = types.CaptureOptions;
pub const IdentifyOptions = types.IdentifyOptions;
pub const GroupOptions = types.GroupOptions;
pub const ExceptionOptions = types.ExceptionOptions;

pub const Deterministic = types.Deterministic;
pub const Protocol = types.Protocol;
pub const Properties = types.Properties;
pub const Group = types.Group;
pub const GroupIndex = types.GroupIndex;
pub const Flags = flags.Flags;
pub const EvaluateOptions = flags.EvaluateOptions;
pub const Outgoing = @import("outgoing.zig").Outgoing;
pub const Ledger = client.Ledger;

pub const version = types.version;

/// Makes a client, on the heap: its address is the same until its `deinit`. `allocator` has to serve
/// several threads at once if several use the client.
pub fn init(allocator: std.mem.Allocator, io: std.Io, config: Config) types.InitError!*PostHogClient {
    return PostHogClient.init(allocator, io, config);
}

/// The process-wide `Io` of the standard library, which a program may replace by declaring
/// `std_options_debug_threaded_io`.
pub fn defaultIo() std.Io {
    const threaded = std.Options.debug_threaded_io orelse
        @panic("posthog.defaultIo: the program has no std.Options.debug_threaded_io; pass an Io of its own");
    return threaded.io();
}

test {
    _ = batch;
    _ = types;
}
