// swift-tools-version: 6.2
import PackageDescription

// Every Swift target is held to the same rules: Swift 6 mode, strict memory safety, no warning
// survives. Cross-module optimisation makes a guest-memory access across modules cost one
// nanosecond instead of seven; it is an unsafe flag only for packages that others depend on.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

// Executables are fully static: the worker then starts as quickly as C (docs/specification.md),
// and a binary can be copied to any machine. lld avoids a slow path of libgcc's unwinder.
// Sanitizers need a dynamic link (scripts/test sanitize).
let isSanitized = Context.environment["ROOST_SANITIZE"] != nil
let staticLink: [LinkerSetting] =
    isSanitized
    ? []
    : [
        .unsafeFlags(["-static-executable", "-use-ld=lld", "-Xlinker", "--gc-sections"]),
        // A static link does not see these through the autolink records of dependencies.
        .linkedLibrary("swiftSynchronization"),
    ]
// The worker's functions in the order in which a start runs them (scripts/start-order makes the list):
// a start then touches a third of the pages. Names that are gone are passed over.
let startOrder: [LinkerSetting] =
    isSanitized
    ? []
    : [
        .unsafeFlags([
            "-Xlinker",
            "--symbol-ordering-file=\(Context.packageDirectory)/Sources/roost-vmm/start-order.txt",
            "-Xlinker", "--no-warn-symbol-ordering",
        ])
    ]
let staticLinkWithFoundation: [LinkerSetting] =
    staticLink
    + (isSanitized ? [] : [.linkedLibrary("_FoundationCollections"), .linkedLibrary("_FoundationCShims")])
// Yams imports all of Foundation.
let staticLinkWithAllOfFoundation: [LinkerSetting] =
    staticLinkWithFoundation
    + (isSanitized
        ? []
        : ["CoreFoundation", "FoundationInternationalization", "_FoundationICU", "stdc++"].map {
            .linkedLibrary($0)
        })

func module(_ name: String, knows dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: ["README.md"], swiftSettings: strict)
}

func tests(of name: String, knows more: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + more, swiftSettings: strict)
}

let package = Package(
    name: "roost",
    products: [
        .executable(name: "roost", targets: ["roost"]),
        .executable(name: "roost-vmm", targets: ["roost-vmm"]),
        .executable(name: "roostd", targets: ["roostd"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        // Without its traits it needs no more than these, and no full Foundation.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    // From the ground up; docs/architecture.md says what each is, scripts/lint who may import whom.
    targets: [
        .target(name: "CKVM"),
        .target(name: "CLinux"),
        module("X86"),
        module("JSONText"),
        module("HostSystem", knows: ["CLinux"]),
        module("Stats", knows: ["HostSystem"]),
        module("HostControl", knows: ["HostSystem"]),
        module("Stages", knows: ["HostSystem", "Stats"]),
        module("GuestMemory", knows: ["HostSystem"]),
        module("Introspection", knows: ["GuestMemory", "HostSystem", "CLinux"]),
        module("KVM", knows: ["CKVM", "X86", "HostSystem", "GuestMemory"]),
        module("Boot", knows: ["GuestMemory", "X86"]),
        module("Devices", knows: ["GuestMemory", "HostSystem", "X86"]),
        module("Virtio", knows: ["Devices", "GuestMemory", "Stages", "Stats", "HostSystem"]),
        module("Resources"),
        module("Specification", knows: ["JSONText", "Resources"]),
        module("ManagerProtocol", knows: ["JSONText", "Resources"]),
        module("ControlProtocol", knows: ["JSONText"]),
        module(
            "Machine",
            knows: [
                "Specification", "ControlProtocol", "JSONText", "Boot", "Devices", "Virtio", "KVM",
                "GuestMemory", "Stages", "Stats", "HostSystem", "X86",
            ]),
        .target(
            name: "Manager",
            dependencies: [
                "Resources", "HostControl", "Specification", "ControlProtocol", "ManagerProtocol", "JSONText",
                "Stages", "Stats", "HostSystem",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], exclude: ["README.md"], swiftSettings: strict),
        // For the benchmarks.
        module("LoadCurves"),
        // For tests only.
        module("MachineTesting", knows: ["CLinux", "HostSystem", "GuestMemory", "Devices", "Virtio"]),
        .executableTarget(
            name: "roost-vmm", dependencies: ["Machine", "Specification", "HostSystem"],
            exclude: ["start-order.txt"], swiftSettings: strict, linkerSettings: staticLink + startOrder),
        .executableTarget(
            name: "roost",
            dependencies: [
                "Specification", "ControlProtocol", "ManagerProtocol", "Resources", "JSONText", "KVM",
                "Stats", "Introspection", "GuestMemory",
                "HostControl", "HostSystem", "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict, linkerSettings: staticLinkWithAllOfFoundation),
        .executableTarget(
            name: "roostd",
            dependencies: [
                "Manager", "ManagerProtocol", "Specification", "HostControl", "HostSystem", "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict, linkerSettings: staticLinkWithFoundation),
        // Measures the programs from outside; scripts/bench runs it. CPerf counts calls for it.
        .target(name: "CPerf", path: "bench/CPerf"),
        .executableTarget(
            name: "roost-bench",
            dependencies: [
                "HostControl", "HostSystem", "GuestMemory", "Introspection", "JSONText", "CLinux", "CPerf",
                "LoadCurves", "Resources",
                "Stats",
            ],
            path: "Sources/Benchmarks", exclude: ["README.md"], swiftSettings: strict,
            linkerSettings: staticLink),
        tests(of: "GuestMemory", knows: ["HostSystem"]),
        tests(of: "Introspection", knows: ["GuestMemory", "HostSystem", "MachineTesting"]),
        tests(of: "JSONText"),
        tests(of: "LoadCurves"),
        tests(of: "Specification", knows: ["JSONText"]),
        tests(of: "Resources"),
        tests(of: "ControlProtocol", knows: ["JSONText"]),
        tests(of: "MachineTesting"),
        // Runs the built `roost`; it links nothing of it.
        .testTarget(
            name: "CommandLineTests", dependencies: ["JSONText", "MachineTesting", "Specification"],
            swiftSettings: strict),
        tests(of: "Boot", knows: ["GuestMemory", "MachineTesting", "X86"]),
        tests(of: "Devices", knows: ["GuestMemory", "HostSystem", "X86"]),
        tests(
            of: "Virtio",
            knows: ["Devices", "GuestMemory", "HostSystem", "MachineTesting", "Stages", "Stats"]),
        tests(of: "HostSystem", knows: ["MachineTesting"]),
        tests(of: "Stats", knows: ["HostSystem", "MachineTesting"]),
        tests(of: "HostControl", knows: ["HostSystem", "MachineTesting"]),
        tests(of: "Stages", knows: ["HostSystem", "MachineTesting", "Stats"]),
        tests(of: "ManagerProtocol", knows: ["JSONText", "Resources"]),
        tests(
            of: "Manager",
            knows: [
                "ControlProtocol", "HostControl", "HostSystem", "JSONText", "MachineTesting",
                "ManagerProtocol", "Resources", "Specification", "Stages",
            ]),
        // Runs the built `roostd` and `roost`, and asks over the socket.
        .testTarget(
            name: "ManagerHostTests",
            dependencies: ["HostSystem", "JSONText", "MachineTesting", "ManagerProtocol", "Resources"],
            swiftSettings: strict),
        // On the real /dev/kvm.
        tests(of: "KVM", knows: ["GuestMemory", "HostSystem", "MachineTesting", "X86"]),
        tests(
            of: "Machine",
            knows: [
                "Devices", "GuestMemory", "HostSystem", "MachineTesting", "Specification", "Stats", "X86",
            ]),
        // Runs the built `roost` as a user would, and reads what it prints and writes.
        .testTarget(
            name: "HostTests", dependencies: ["HostSystem", "JSONText", "MachineTesting", "Stats"],
            swiftSettings: strict),
        // Stock Linux guests; scripts/test runs them in the lab.
        .testTarget(name: "LabTests", dependencies: ["HostSystem", "MachineTesting"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

// What guests do not reach is not built with a sanitizer: nobody would run it.
if isSanitized {
    let unreached: Set = [
        "Manager", "ManagerTests", "ManagerHostTests", "roostd", "roost", "CommandLineTests", "HostTests",
        "LabTests",
        "roost-bench", "CPerf",
    ]
    package.targets.removeAll { unreached.contains($0.name) }
    package.products.removeAll { unreached.contains($0.name) }
}
