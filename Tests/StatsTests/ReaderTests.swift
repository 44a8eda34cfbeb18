import Foundation
import HostSystem
import MachineTesting
import Synchronization
import Testing

@testable import Stats

enum FileModes {
    static func mode(of path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }
}

private final class Stop: Sendable {
    let flag = Atomic(false)
}

@Suite("The reader of stats pages")
struct ReaderTests {
    let directory: TemporaryDirectory
    var path: String { directory.path + "/stats" }

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func makePage() throws -> (page: StatsPage, bytes: [UInt8]) {
        let shape = MachineShape.usual.shape
        let page = try StatsPage(
            [
                StatsDeclaration("machine", shape), StatsDeclaration("vcpu0", ProcessorShape.usual.shape),
                StatsDeclaration("vcpu1", ProcessorShape.usual.shape),
            ], path: path)
        return (page, try directory.read("stats"))
    }

    /// The error of reading a file of these bytes.
    private func error(for bytes: [UInt8]) throws -> StatsError? {
        let file = try directory.write(bytes, to: "other")
        do throws(StatsError) {
            var reader = try StatsReader(file)
            _ = try reader.snapshot()
            return nil
        } catch {
            return error
        }
    }

    @Test("Files that are no stats pages are refused with what is wrong")
    func wrongFiles() throws {
        let (_, bytes) = try makePage()
        #expect(try error(for: bytes) == nil)
        #expect(try error(for: []) == .notReady)
        #expect(try error(for: [UInt8](repeating: 0, count: 4096)) == .notReady)
        #expect(try error(for: Array("{ \"no\": \"page\" }".utf8)) == .notAPage)
        var other = bytes
        other[8] = 2
        #expect(try error(for: other) == .unknownVersion(2))
        #expect(try error(for: Array(bytes.prefix(100))) != nil)
        #expect(try error(for: bytes + [0]) == .damaged("it is not as long as it says"))
        for path in [directory.path, directory.path + "/none", "/dev/zero"] {
            #expect(throws: StatsError.self) { _ = try StatsReader(path) }
        }
    }

    @Test("A named pipe is refused and not waited for")
    func pipe() throws {
        #expect(unsafe mkfifo(path, 0o600) == 0)
        #expect(throws: StatsError.self) { _ = try StatsReader(path) }
    }

    @Test("A page that becomes shorter while it is open is an error")
    func truncation() throws {
        _ = try makePage()
        var reader = try StatsReader(path)
        _ = try reader.snapshot()
        #expect(unsafe truncate(path, 1000) == 0)
        let error = #expect(throws: StatsError.self) { _ = try reader.snapshot() }
        #expect(error?.description.contains("became shorter") == true)
    }

    @Test("Cut short anywhere, it is refused")
    func everyLength() throws {
        let (_, bytes) = try makePage()
        for count in 0..<bytes.count {
            #expect(throws: StatsError.self) { _ = try PageTables(Array(bytes.prefix(count))) }
        }
    }

    @Test("Any bytes are refused or read without going outside")
    func garbage() throws {
        let (_, bytes) = try makePage()
        var random = SystemRandomNumberGenerator()
        var refused = 0
        for round in 0..<20_000 {
            var bad = bytes
            for _ in 0...(round % 4) {
                // The tables: later bytes are values, where everything is right.
                let place = Int.random(in: 8..<0x380, using: &random)
                bad[place] =
                    [0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &random)].randomElement() ?? 0
            }
            do {
                let snapshot = try StatsSnapshot(page: bad)
                #expect(
                    snapshot.sections.reduce(0) { $0 + $1.values.reduce(0) { $0 + $1.cells.count } } <= bytes
                        .count / 8)
            } catch {
                refused += 1
                #expect(!error.description.isEmpty)
            }
        }
        #expect(refused > 1000)
    }

    @Test("What is written while it is read is never torn")
    func tearing() throws {
        var shape = StatsShape()
        let (one, two, lone) = (shape.counter("one"), shape.counter("two"), shape.counter("lone"))
        let page = try StatsPage([StatsDeclaration("a", shape)], path: path)
        let section = page.sections[0]
        let stop = Stop()
        var reader = try StatsReader(path)
        let writer = try HostThread(name: "writer") {
            var count: UInt64 = 0
            let (one, two, lone) = (section[one], section[two], section[lone])
            while !stop.flag.load(ordering: .relaxed) {
                count &+= 1
                section.update {
                    one.set(count)
                    two.set(count &* 3)
                }
                // All bytes of it alike: half of one value and half of another would show.
                for byte in 0..<200 { lone.set(UInt64(byte) &* 0x0101_0101_0101_0101) }
            }
        }
        defer {
            stop.flag.store(true, ordering: .relaxed)
            writer.join()
        }
        var (consistent, seen) = (0, Set<UInt64>())
        // Until enough was seen, so that a busy host only takes longer.
        while consistent < 5000 || seen.count < 100 {
            let section = try #require(try reader.snapshot()["a"])
            let (one, two, lone) = try (
                #require(section["one"]), #require(section["two"]), #require(section["lone"])
            )
            #expect(lone == (lone & 0xFF) &* 0x0101_0101_0101_0101, "a torn number")
            guard section.isConsistent else { continue }
            #expect(two == one &* 3, "torn between two numbers")
            consistent += 1
            seen.insert(one)
        }
    }

    @Test("A writer that never finishes a change is told, and its numbers are shown all the same")
    func givingUp() throws {
        let (page, _) = try makePage()
        page.sections[1].update {
            do {
                var reader = try StatsReader(path)
                let snapshot = try reader.snapshot()
                #expect(snapshot.sections.map(\.isConsistent) == [true, false, true])
                #expect(snapshot["vcpu0"]?["exits.port-read"] == 0)
            } catch {
                Issue.record("\(error)")
            }
        }
    }
}
