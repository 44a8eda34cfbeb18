import Foundation
import Stats
import Testing

@Suite("Stats pages and statistics that the fuzzer found or begins with")
struct RegressionTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/regressions/stats")

    private static var inputs: [URL] {
        (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    }

    @Test("The seeds are good ones")
    func seeds() throws {
        let page = [UInt8](try Data(contentsOf: Self.folder.appending(path: "seed-page")))
        #expect(try StatsSnapshot(page: page)["vcpu1"]?["exits.port-write"] == 0)
        let statistics = [UInt8](try Data(contentsOf: Self.folder.appending(path: "seed-kvm")))
        #expect(KVMStatistics(statistics)?["remote_tlb_flush"] != nil)
    }

    @Test("Each is refused, or read without more coming out than went in", arguments: inputs)
    func replay(input: URL) throws {
        let bytes = [UInt8](try Data(contentsOf: input))
        if let snapshot = try? StatsSnapshot(page: bytes) {
            let cells = snapshot.sections.flatMap(\.values).reduce(0) { $0 + $1.cells.count }
            #expect(cells <= bytes.count / 8)
        }
        if let statistics = KVMStatistics(bytes) {
            #expect(statistics.values.reduce(0) { $0 + $1.cells.count } <= bytes.count / 8)
        }
    }
}
