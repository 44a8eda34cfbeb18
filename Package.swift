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
let staticLink: [LinkerSetting] = [
    .unsafeFlags(["-static-executable", "-use-ld=lld", "-Xlinker", "--gc-sections"]),
    // A static link does not see these through the autolink records of dependencies.
    .linkedLibrary("swiftSynchronization"),
]
// The worker's functions in the order in which a start runs them (scripts/start-order makes the list):
// a start then touches a third of the pages. Names that are gone are passed over.
let startOrder: [LinkerSetting] = [
    .unsafeFlags([
        "-Xlinker", "--symbol-ordering-file=\(Context.packageDirectory)/Sources/roost-vmm/start-order.txt",
        "-Xlinker", "--no-warn-symbol-ordering",
    ])
]
let staticLinkWithFoundation: [LinkerSetting] =
    staticLink + [.linkedLibrary("_FoundationCollections"), .linkedLibrary("_FoundationCShims")]

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
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    // From the ground up; docs/architecture.md says what each is, scripts/lint who may import whom.
    targets: [
        .target(name: "CKVM"),
        .target(name: "CLinux"),
        module("X86"),
        module("JSONText"),
        module("HostSystem", knows: ["CLinux"]),
        module("GuestMemory", knows: ["HostSystem"]),
        module("KVM", knows: ["CKVM", "X86", "HostSystem", "GuestMemory"]),
        module("Boot", knows: ["GuestMemory", "X86"]),
        module("Devices", knows: ["GuestMemory", "HostSystem", "X86"]),
        module("Specification", knows: ["JSONText"]),
        module(
            "Machine", knows: ["Specification", "Boot", "Devices", "KVM", "GuestMemory", "HostSystem", "X86"]),
        // For tests only.
        module("MachineTesting", knows: ["HostSystem"]),
        .executableTarget(
            name: "roost-vmm", dependencies: ["Machine", "Specification", "HostSystem"],
            exclude: ["start-order.txt"], swiftSettings: strict, linkerSettings: staticLink + startOrder),
        .executableTarget(
            name: "roost",
            dependencies: [
                "Specification", "JSONText", "KVM", "HostSystem", "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict, linkerSettings: staticLinkWithFoundation),
        // Measures the programs from outside; scripts/bench runs it. CPerf counts calls for it.
        .target(name: "CPerf", path: "bench/CPerf"),
        .executableTarget(
            name: "roost-bench", dependencies: ["HostSystem", "JSONText", "CPerf"],
            path: "Sources/Benchmarks", exclude: ["README.md"], swiftSettings: strict,
            linkerSettings: staticLink),
        tests(of: "GuestMemory", knows: ["HostSystem"]),
        tests(of: "JSONText"),
        tests(of: "Specification", knows: ["JSONText"]),
        // Runs the built `roost`; it links nothing of it.
        .testTarget(
            name: "CommandLineTests", dependencies: ["JSONText", "Specification"], swiftSettings: strict),
        tests(of: "Boot", knows: ["GuestMemory", "X86"]),
        tests(of: "Devices", knows: ["GuestMemory", "HostSystem", "X86"]),
        tests(of: "HostSystem", knows: ["MachineTesting"]),
        // On the real /dev/kvm.
        tests(of: "KVM", knows: ["GuestMemory", "HostSystem", "MachineTesting", "X86"]),
        tests(
            of: "Machine",
            knows: ["Devices", "GuestMemory", "HostSystem", "MachineTesting", "Specification", "X86"]),
        // Runs the built `roost` as a user would; it links nothing of it.
        .testTarget(name: "HostTests", dependencies: ["MachineTesting"], swiftSettings: strict),
        // Stock Linux guests; scripts/test runs them in the lab.
        .testTarget(name: "LabTests", dependencies: ["MachineTesting"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
