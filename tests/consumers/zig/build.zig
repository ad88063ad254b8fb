//! As a program for posthog-zig 0.2.0 has it.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const exe = b.addExecutable(.{
        .name = "consumer",
        .root_module = b.createModule(.{
            .root_source_file = b.path("src/main.zig"),
            .target = target,
            .optimize = optimize,
        }),
    });
    const posthog = b.dependency("posthog", .{ .target = target, .optimize = optimize });
    exe.root_module.addImport("posthog", posthog.module("posthog"));
    b.installArtifact(exe);
}
