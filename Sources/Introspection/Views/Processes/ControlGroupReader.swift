/// Finds the path of a task's control group in the unified hierarchy (version 2).
struct ControlGroupReader {
    private let kernel: Kernel
    private let groups: Field
    private let group: Field
    private let node: Field
    private let name: Field
    private let parent: Field

    /// A hierarchy is not deeper: cgroup.max.depth may allow more, but paths end at PATH_MAX.
    private static let deepest = 2048

    /// Nil if this kernel has no control groups.
    init?(_ kernel: Kernel) {
        guard let types = kernel.profile.types, let groups = types.field("cgroups", of: "task_struct"),
            let group = types.field("dfl_cgrp", of: "css_set"), let node = types.field("kn", of: "cgroup"),
            let name = types.field("name", of: "kernfs_node"),
            // Since Linux 6.15 the parent may change at any time, and is called so.
            let parent = types.field("parent", of: "kernfs_node")
                ?? types.field("__parent", of: "kernfs_node")
        else { return nil }
        self.kernel = kernel
        self.groups = groups
        self.group = group
        self.node = node
        self.name = name
        self.parent = parent
    }

    /// Paths that are known by their `css_set`: most tasks share one.
    struct Known {
        fileprivate var paths: [VirtualAddress: String] = [:]
    }

    /// A task's path; `/` is the root.
    func path(of task: VirtualAddress, known: inout Known) throws(ReadError) -> String {
        let set = try kernel.pointer(groups, at: task)
        if let path = known.paths[set] { return path }
        var place = try kernel.pointer(node, at: try kernel.pointer(group, at: set))
        var names: [String] = []
        while true {
            let above = try kernel.pointer(parent, at: place)
            guard !above.isNull else { break }
            guard names.count < Self.deepest else { throw .inconsistent("a control group has no end") }
            names.append(try kernel.text(at: try kernel.pointer(name, at: place), limit: 256))
            place = above
        }
        let path = "/" + names.reversed().joined(separator: "/")
        known.paths[set] = path
        return path
    }
}
