internal import HostControl
internal import KVM
internal import Specification

/// `HostFacts` in words.
struct HostReport {
    let facts: HostFacts

    var text: String {
        let sections = [
            ("Processor", processor), ("KVM", kvm), ("Memory", memory), ("Disks", disks),
            ("Control groups", controlGroups),
            ("Division of the processors, by a roostd that you start here", facts.division.lines),
            ("Limits of this user's processes", limits),
        ]
        let body = sections.map { title, lines in
            title + "\n" + lines.map { "  \($0)\n" }.joined()
        }
        return verdict + "\n\n" + body.joined(separator: "\n")
    }

    /// The answer in one sentence.
    var verdict: String {
        if let problem = facts.kvm.problem { return "This host cannot run machines: \(problem)." }
        return facts.kvm.runsStockLinux
            ? "This host runs machines, with stock Linux guests too."
            : "This host runs Roost's own guests, but no stock Linux guests; scripts/lab can run those."
    }

    private var processor: [String] {
        let processor = facts.processor
        let model = processor.model ?? "unknown model"
        let extensions =
            switch processor.virtualisation {
            case "vmx": "it has VT-x (vmx)"
            case "svm": "it has SVM (svm)"
            default: "it shows neither VT-x (vmx) nor SVM (svm)"
            }
        return [
            "\(model) (\(processor.vendor ?? "unknown vendor")), \(processor.count) online",
            extensions + (processor.isGuest ? "; this host is a virtual machine itself" : ""),
        ]
    }

    private var kvm: [String] {
        var lines: [String] = []
        switch facts.kvm.problem {
        case .unavailable, .wrongVersion, .call: lines.append("/dev/kvm is of no use; see above")
        case .missing(let missing):
            lines.append("/dev/kvm opens, but lacks \(missing.count) required capabilities")
        case nil: lines.append("/dev/kvm opens, speaks version 12, and has all that Roost requires")
        }
        lines.append(kind)
        if let nested = facts.kvm.nested {
            lines.append("guests \(nested ? "may" : "may not") run machines of their own (nested)")
        }
        guard let capabilities = facts.kvm.capabilities else { return lines }
        let most = min(capabilities[.maximumVCPUs], MachineSpec.cpusRange.upperBound)
        lines.append(
            "a machine may have \(most) virtual CPUs; the kernel recommends at most "
                + "\(capabilities[.recommendedVCPUs])")
        return lines + Capability.all.map { line(for: $0, value: capabilities[$0]) }
    }

    private var kind: String {
        switch facts.kvm.kind {
        case .intel: "kvm_intel: guests run natively by VT-x"
        case .amd: "kvm_amd: guests run natively by SVM"
        case .pvm:
            "kvm_pvm: guest ring 3 runs natively, guest ring 0 is emulated; stock Linux kernels do not run"
        case nil: "none of the modules kvm_intel, kvm_amd and kvm_pvm is loaded"
        }
    }

    private func line(for capability: Capability, value: Int) -> String {
        let isNumber = [.recommendedVCPUs, .maximumVCPUs, .memorySlots].contains(capability)
        let state = value > 0 ? (isNumber ? "\(value)" : "yes") : "no"
        let consequence =
            switch (value > 0, capability.isRequired) {
            case (true, true): " (required)"
            case (true, false): ""
            case (false, true): " (required: Roost cannot run here without it)"
            case (false, false): " (not available here; Roost does without)"
            }
        return state.padded(to: 6) + capability.name.padded(to: 27) + capability.purpose + consequence
    }

    private var memory: [String] {
        let memory = facts.memory
        var lines = [
            "\(Self.rounded(memory.available)) of \(Self.rounded(memory.total)) available, "
                + "\(Self.rounded(memory.swap)) swap"
        ]
        if let size = memory.hugePageSize, let count = memory.freeHugePages {
            lines.append("\(count) reserved huge pages of \(size) free")
        }
        return lines
    }

    private var disks: [String] {
        guard let problem = facts.disks.ringProblem else { return ["engine uring: io_uring serves them"] }
        return ["engine threads: threads serve them, since there is no io_uring: \(problem)"]
    }

    private var controlGroups: [String] {
        let groups = facts.controlGroups
        guard let version = groups.version else { return ["none: limits cannot be kept"] }
        return ["version \(version), with \(groups.controllers.joined(separator: ", "))"]
    }

    private var limits: [String] {
        [("open files", facts.openFiles), ("locked memory in bytes", facts.lockedMemory)].map { name, limit in
            guard let limit else { return "\(name): unknown" }
            let now = limit.now.map { "\($0)" } ?? "unlimited"
            let most = limit.most.map { "\($0)" } ?? "without limit"
            return "\(name): \(now)" + (limit.now == limit.most ? "" : ", may be raised to \(most)")
        }
    }

    /// A size for reading, not for computing with: whole MiB.
    private static func rounded(_ size: ByteSize?) -> String {
        size.map { "\($0.bytes >> 20) MiB" } ?? "unknown"
    }
}

extension String {
    /// This text with spaces behind it, at least one.
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
