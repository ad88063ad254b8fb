//! Feature flags: an evaluation that never changes, and what it is asked about.

const std = @import("std");
const c = @import("c.zig");
const types = @import("types.zig");

/// What posthog-zig's flag calls may fail with. This library gives a few of them only; a program
/// that names any other goes on compiling.
pub const FlagError = error{
    // zig fmt: off
    AccessDenied, AddressFamilyUnsupported, AddressInUse, AddressUnavailable, BufferUnderrun, Canceled,
    CertificateBundleLoadFailure, ConnectionPending, ConnectionRefused, ConnectionResetByPeer, DecideFailed,
    DetectingNetworkConfigurationFailed, DuplicateField, HostUnreachable, HttpChunkInvalid, HttpChunkTruncated,
    HttpConnectionClosing, HttpContentEncodingUnsupported, HttpHeadersInvalid, HttpHeadersOversize,
    HttpRedirectLocationInvalid, HttpRedirectLocationMissing, HttpRedirectLocationOversize, HttpRequestTruncated,
    InvalidCharacter, InvalidDnsAAAARecord, InvalidDnsARecord, InvalidDnsCnameRecord, InvalidEnumTag, InvalidFormat,
    InvalidHostName, InvalidNumber, InvalidPort, LengthMismatch, MissingField, NameServerFailure, NetworkDown,
    NetworkUnreachable, NoAddressReturned, OptionUnsupported, OutOfMemory, Overflow, ProcessFdQuotaExceeded,
    ProtocolUnsupportedByAddressFamily, ProtocolUnsupportedBySystem, ReadFailed, RedirectRequiresResend,
    ResolvConfParseFailed, SocketModeUnsupported, StreamTooLong, SyntaxError, SystemFdQuotaExceeded, SystemResources,
    Timeout, TlsInitializationFailed, TooManyHttpRedirects, UnexpectedCharacter, UnexpectedEndOfInput,
    UnexpectedToken, Unexpected, UnknownField, UnknownHostName, UnsupportedCompressionMethod, UnsupportedUriScheme,
    UriMissingHost, ValueTooLong, WouldBlock, WriteFailed,
    // zig fmt: on
};

/// What a failed evaluation says, as posthog-zig's said it.
pub fn failure(status: c.Status) FlagError {
    return switch (status) {
        .error_no_memory => error.OutOfMemory,
        .error_network => error.ConnectionRefused,
        .error_timeout => error.Timeout,
        .error_server => error.DecideFailed,
        .error_null, .error_utf8, .error_empty, .error_json => error.WriteFailed,
        else => error.Unexpected,
    };
}

/// Everything about an evaluation besides the distinct id.
pub const EvaluateOptions = struct {
    groups: []const types.Group = &.{},
    /// To be taken for the person's.
    person_properties: ?types.Properties = null,
    group_properties: []const GroupProperties = &.{},
    device_id: ?[]const u8 = null,
    /// `null`: every flag of the project.
    keys: ?[]const []const u8 = null,
    timeout_ms: u32 = 3_000,
};

pub const GroupProperties = struct { type: []const u8, properties: types.Properties };

/// The flags of one distinct id at one moment. Reading makes no request, and any thread may. Texts
/// last as long as it does.
pub const Flags = struct {
    handle: ?*c.Flags,

    pub fn deinit(self: *Flags) void {
        c.ph_flags_free(self.handle);
        self.handle = null;
    }

    pub fn isEnabled(self: *const Flags, key: [:0]const u8, fallback: bool) bool {
        return c.ph_flags_is_enabled(self.handle, key, fallback);
    }

    /// Off is known.
    pub fn isKnown(self: *const Flags, key: [:0]const u8) bool {
        return c.ph_flags_is_known(self.handle, key);
    }

    pub fn variant(self: *const Flags, key: [:0]const u8) ?[]const u8 {
        return lent(c.ph_flags_get_variant(self.handle, key));
    }

    /// The text of a JSON value.
    pub fn payload(self: *const Flags, key: [:0]const u8) ?[]const u8 {
        return lent(c.ph_flags_get_payload(self.handle, key));
    }

    /// Why a flag has its value, or why it has none.
    pub fn reason(self: *const Flags, key: [:0]const u8) ?[]const u8 {
        return lent(c.ph_flags_get_reason(self.handle, key));
    }

    pub fn count(self: *const Flags) usize {
        return c.ph_flags_get_count(self.handle);
    }

    /// The keys of the known flags, in their order.
    pub fn keyAt(self: *const Flags, index: usize) ?[]const u8 {
        return lent(c.ph_flags_get_key(self.handle, index));
    }
};

fn lent(text: ?c.Text) ?[]const u8 {
    return std.mem.span(text orelse return null);
}
