internal import HostControl
internal import HostSystem
internal import JSONText
internal import KVM
internal import Specification

extension HostReport {
    /// The facts for programs. What is unknown is null; sizes are bytes.
    ///
    /// `version` grows when a member goes away or changes its meaning, not when one is added.
    var json: JSONValue {
        [
            "version": 1,
            "usable": .boolean(facts.kvm.problem == nil),
            "stockLinuxGuests": .boolean(facts.kvm.runsStockLinux),
            "summary": .string(verdict),
            "kvm": kvm,
            "processor": [
                "vendor": Self.json(facts.processor.vendor),
                "model": Self.json(facts.processor.model),
                "online": JSONValue(facts.processor.count),
                "virtualisation": Self.json(facts.processor.virtualisation),
                "isGuest": .boolean(facts.processor.isGuest),
            ],
            "memory": [
                "total": Self.json(facts.memory.total),
                "available": Self.json(facts.memory.available),
                "swap": Self.json(facts.memory.swap),
                "hugePageSize": Self.json(facts.memory.hugePageSize),
                "freeHugePages": facts.memory.freeHugePages.map { JSONValue($0) } ?? .null,
            ],
            "disks": [
                "engine": .string(facts.disks.engine),
                "ringProblem": Self.json(facts.disks.ringProblem),
            ],
            "controlGroups": [
                "version": facts.controlGroups.version.map { JSONValue($0) } ?? .null,
                "controllers": .array(facts.controlGroups.controllers.map(JSONValue.string)),
            ],
            "division": division,
            "limits": [
                "openFiles": Self.json(facts.openFiles),
                "lockedMemory": Self.json(facts.lockedMemory),
            ],
        ]
    }

    private var kvm: JSONValue {
        let capabilities = facts.kvm.capabilities
        return [
            "problem": Self.json(facts.kvm.problem?.description),
            "apiVersion": apiVersion.map { JSONValue($0) } ?? .null,
            "kind": Self.json(facts.kvm.kind?.rawValue),
            "nested": facts.kvm.nested.map(JSONValue.boolean) ?? .null,
            "capabilities": .array(
                Capability.all.map { capability in
                    [
                        "name": .string(capability.name),
                        "required": .boolean(capability.isRequired),
                        "value": capabilities.map { JSONValue($0[capability]) } ?? .null,
                        "purpose": .string(capability.purpose),
                    ]
                }),
        ]
    }

    /// How machines' processor time is divided; `remarks` says why each better mechanism cannot be used.
    private var division: JSONValue {
        let division = facts.division
        return [
            "mechanism": .string("\(division.mechanism)"),
            "canLimit": .boolean(division.mechanism.canLimit),
            "processors": .array(division.processors.numbers.map { JSONValue($0) }),
            "capacity": .number(Double(division.capacity) / 1_000_000),
            "remarks": .array(division.remarks.map(JSONValue.string)),
            "pressureProblem": Self.json(division.pressureProblem),
        ]
    }

    private var apiVersion: Int? {
        switch facts.kvm.problem {
        case .unavailable: nil
        case .wrongVersion(let version): version
        case .missing, .call, nil: 12
        }
    }

    private static func json(_ text: String?) -> JSONValue {
        text.map(JSONValue.string) ?? .null
    }

    private static func json(_ size: ByteSize?) -> JSONValue {
        size.map { JSONValue($0.bytes) } ?? .null
    }

    /// `{"now": …, "most": …}`, where null is no limit.
    private static func json(_ limit: ProcessLimit?) -> JSONValue {
        guard let limit else { return .null }
        return [
            "now": limit.now.map { JSONValue($0) } ?? .null,
            "most": limit.most.map { JSONValue($0) } ?? .null,
        ]
    }
}
