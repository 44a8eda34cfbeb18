import Foundation
import Testing

@testable import Boot

/// A generator of random numbers that repeats (SplitMix64).
private struct RepeatableGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

/// A fuzz target with its inputs: kernels that are right, and those that once were a problem.
private enum FuzzTarget: String, CaseIterable {
    case elf
    case bzimage

    var folder: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/regressions/\(rawValue)")
    }

    /// The kernels that are right, by the name their file has.
    var seeds: [String: [UInt8]] {
        switch self {
        case .elf: ["seed-pvh": ELFFixture().bytes, "seed-no-note": ELFFixture(pvhEntry: nil).bytes]
        case .bzimage: ["seed-relocatable": makeBzImage()]
        }
    }

    /// The bytes worth changing: headers, notes and the beginning of the contents.
    var mutableSize: Int { 0x270 }
}

@Suite("A hostile kernel")
struct HostileKernelTests {
    /// Values that are just inside or outside of something.
    private static let edges: [UInt64] = [
        0, 1, 2, 3, 0xFF, 0x100, 0xFFF, 0x1000, 0x2000, 0x9_FC00, 0x10_0000, 0x7FFF_FFFF, 0x8000_0000,
        0xBFFF_FFFF,
        0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF_F000, .max,
    ]

    @Test(
        "that is changed at random is refused or makes a plan that breaks no rule",
        arguments: FuzzTarget.allCases)
    private func mutations(target: FuzzTarget) {
        var generator = RepeatableGenerator(state: 1966)
        for (name, seed) in target.seeds.sorted(by: { $0.key < $1.key }) {
            for round in 0..<1500 {
                var bytes = seed
                for _ in 0...Int.random(in: 0..<4, using: &generator) {
                    let offset = Int.random(in: 0..<target.mutableSize, using: &generator)
                    switch Int.random(in: 0..<4, using: &generator) {
                    case 0: bytes[offset] = UInt8.random(in: 0...0xFF, using: &generator)
                    case 1: bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                    case 2:
                        let edge = Self.edges.randomElement(using: &generator) ?? 0
                        bytes.store(edge, at: min(offset & ~7, bytes.count - 8))
                    default:
                        let edge = Self.edges.randomElement(using: &generator) ?? 0
                        bytes.store(UInt32(truncatingIfNeeded: edge), at: min(offset & ~3, bytes.count - 4))
                    }
                }
                if Int.random(in: 0..<16, using: &generator) == 0 {
                    bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
                }
                #expect(
                    violations(booting: bytes, variant: round % requestVariants) == [],
                    "\(name), round \(round)")
            }
        }
    }

    @Test(
        "that the fuzzer once found is refused or makes a plan that breaks no rule",
        arguments: FuzzTarget.allCases)
    private func regressions(target: FuzzTarget) throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: target.folder, includingPropertiesForKeys: nil)
        #expect(files.count >= target.seeds.count)
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file))
            #expect(violations(booting: bytes) == [], "\(file.lastPathComponent)")
        }
    }

    /// With `ROOST_WRITE_SEEDS=1` in the environment the files are written instead.
    @Test("begins, in the fuzzer, as one of the kernels these tests use", arguments: FuzzTarget.allCases)
    private func seeds(target: FuzzTarget) throws {
        for (name, bytes) in target.seeds {
            let file = target.folder.appending(path: name)
            if ProcessInfo.processInfo.environment["ROOST_WRITE_SEEDS"] == "1" {
                try FileManager.default.createDirectory(at: target.folder, withIntermediateDirectories: true)
                try Data(bytes).write(to: file)
            }
            #expect(
                [UInt8](try Data(contentsOf: file)) == bytes,
                "\(name) is out of date: run with ROOST_WRITE_SEEDS=1")
        }
    }
}
