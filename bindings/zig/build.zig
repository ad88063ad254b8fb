//! The module `posthog`, linked with the library's archive for the target.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const library = b.option([]const u8, "library", "The archive to link with, in place of lib/<target>/libposthog.a");

    const posthog = b.addModule("posthog", .{
        .root_source_file = b.path("src/posthog.zig"),
        .target = target,
        .optimize = optimize,
        .link_libc = true,
        // Stack traces of exceptions begin in the program's own frames.
        .unwind_tables = .async,
    });
    posthog.addObjectFile(if (library) |path| .{ .cwd_relative = path } else archive(b, target.result));
    // The archive unwinds its own panics, and walks the stack where an exception is captured.
    posthog.linkSystemLibrary("unwind", .{ .use_pkg_config = .no });

    // Not in the package: programs of the repository.
    for ([_][]const u8{ "examples/quickstart.zig", "examples/panic.zig", "benches/wrappers/capture.zig" }) |path| {
        const name = std.fs.path.stem(path);
        const program = b.createModule(.{
            .root_source_file = b.path(b.fmt("../../{s}", .{path})),
            .target = target,
            .optimize = optimize,
        });
        program.addImport("posthog", posthog);
        const installed = b.addInstallArtifact(b.addExecutable(.{ .name = name, .root_module = program }), .{});
        b.step(name, b.fmt("Build {s}", .{path})).dependOn(&installed.step);
    }

    const own = b.addTest(.{ .root_module = posthog });
    b.step("test", "Run the package's own tests").dependOn(&b.addRunArtifact(own).step);
}

/// The archive that this package has for a target. Without one, whatever needs it fails with a text
/// that says how to come by it.
fn archive(b: *std.Build, target: std.Target) std.Build.LazyPath {
    const name = b.fmt("{t}-{t}-{t}", .{ target.cpu.arch, target.os.tag, target.abi });
    const path = b.fmt("lib/{s}/libposthog.a", .{name});
    // Zig 0.17 has another name for the folder of this file.
    const has_it = if (@hasField(std.Build, "build_root"))
        b.build_root.handle.access(b.graph.io, path, .{})
    else
        b.root.root_dir.handle.access(b.graph.io, b.pathJoin(&.{ b.root.sub_path, path }), .{});
    if (has_it) |_| return b.path(path) else |_| {}
    const missing = b.addFail(b.fmt(
        \\libposthog: this package has no archive for {s}.
        \\In a checkout of libposthog, `make dist TARGETS={s}` makes a package with it (rustup target add comes first);
        \\or build libposthog.a for it with cargo and pass it: -Dlibrary=<path>
    , .{ name, name }));
    const files = b.addWriteFiles();
    files.step.dependOn(&missing.step);
    return files.add("libposthog.a", "");
}
