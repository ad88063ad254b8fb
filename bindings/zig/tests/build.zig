//! The tests, as a package that depends on the wrapper as any program does.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const library = b.option([]const u8, "library", "libposthog.a") orelse @panic("-Dlibrary=<libposthog.a>");
    const header = b.option([]const u8, "header", "posthog.h") orelse @panic("-Dheader=<posthog.h>");
    const posthog = b.dependency("posthog", .{ .target = target, .optimize = optimize, .library = library });

    const translated = b.addTranslateC(.{
        .root_source_file = .{ .cwd_relative = header },
        .target = target,
        .optimize = optimize,
    }).createModule();

    const run = b.step("test", "Run the tests, with the receiver at RECEIVER_URL");
    for ([_][]const u8{ "contract", "header", "behaviour", "added", "replay" }) |name| {
        const module = b.createModule(.{
            .root_source_file = b.path(b.fmt("{s}.zig", .{name})),
            .target = target,
            .optimize = optimize,
        });
        module.addImport("posthog", posthog.module("posthog"));
        module.addImport("header", translated);
        const artifact = b.addRunArtifact(b.addTest(.{ .name = name, .root_module = module }));
        // They share one receiver.
        artifact.has_side_effects = true;
        if (run.dependencies.items.len > 0) artifact.step.dependOn(run.dependencies.getLast());
        run.dependOn(&artifact.step);
    }

    for ([_][]const u8{ "endurance", "refused" }) |name| {
        const module = b.createModule(.{
            .root_source_file = b.path(b.fmt("{s}.zig", .{name})),
            .target = target,
            .optimize = optimize,
        });
        module.addImport("posthog", posthog.module("posthog"));
        // A library of another version, as far as it says. The archive's own is weak for this.
        if (std.mem.eql(u8, name, "refused")) module.addCSourceFile(.{ .file = b.path("another_version.c") });
        const program = b.addExecutable(.{ .name = name, .root_module = module });
        b.step(name, b.fmt("Build {s}", .{name})).dependOn(&b.addInstallArtifact(program, .{}).step);
    }
}
