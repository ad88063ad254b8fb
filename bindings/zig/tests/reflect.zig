//! What is known of a type, in the words of Zig 0.16 and in those of 0.17.

const std = @import("std");

pub const Text = []const u8;

pub fn fieldNames(comptime T: type) []const [:0]const u8 {
    return std.meta.fieldNames(T);
}

pub fn declarationNames(comptime T: type) []const Text {
    const found = std.meta.declarations(T);
    var names: [found.len]Text = undefined;
    for (found, &names) |each, *name| name.* = if (@TypeOf(each) == [:0]const u8) each else each.name;
    const final = names;
    return &final;
}

pub fn hasDefault(comptime T: type, comptime name: Text) bool {
    @setEvalBranchQuota(100_000);
    const info = @typeInfo(T).@"struct";
    if (@hasField(@TypeOf(info), "fields")) {
        for (info.fields) |field| if (std.mem.eql(u8, field.name, name)) return field.default_value_ptr != null;
    } else {
        for (info.field_names, info.field_attrs) |own, it| if (std.mem.eql(u8, own, name)) return it.default_value_ptr != null;
    }
    unreachable;
}

/// Of a function, of which none is generic.
pub fn parameters(comptime F: type) []const type {
    const info = @typeInfo(F).@"fn";
    const list = if (@hasField(@TypeOf(info), "params")) info.params else info.param_types;
    var types: [list.len]type = undefined;
    for (list, &types) |each, *T| T.* = if (@TypeOf(each) == ?type) each.? else each.type.?;
    const final = types;
    return &final;
}

/// Of a pointer.
pub fn isConst(comptime T: type) bool {
    const info = @typeInfo(T).pointer;
    return if (@hasField(@TypeOf(info), "is_const")) info.is_const else info.attrs.@"const";
}
