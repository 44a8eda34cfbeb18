import JSONText
import MachineTesting
import ManagerProtocol
import Resources
import Testing

@testable import Manager

@Suite("What outlives a manager")
struct SavedStateTests {
    private func state() throws -> SavedState {
        var state = SavedState()
        state.pools = [
            PoolEntry(
                path: try PoolPath("web"),
                settings: PoolSettings(cpu: try CPUAllocation(shares: .high, limit: .one), isExpandable: true)
            ),
            PoolEntry(path: try PoolPath("web/front")),
        ]
        state.machines = [
            .init(
                name: try VMName("a"), process: 77,
                cpu: try CPUAllocation(reservation: CPUAmount(parsing: "0.25")),
                pool: try PoolPath("web"))
        ]
        return state
    }

    @Test("It is read as it was written")
    func roundTrip() throws {
        let directory = try TemporaryDirectory()
        let state = try state()
        #expect(SavedState(json: state.json) == state)
        try state.write(to: directory.path + "/roostd.json")
        #expect(SavedState(path: directory.path + "/roostd.json") == state)
        #expect(directory.contents() == ["roostd.json"])
    }

    @Test("Thousands of pools, which make a long file, are all read again")
    func many() throws {
        let directory = try TemporaryDirectory()
        var state = SavedState()
        let name = String(repeating: "p", count: 50)
        state.pools = try (0..<9000).map { PoolEntry(path: try PoolPath("\(name)\($0)")) }
        let path = directory.path + "/roostd.json"
        try state.write(to: path)
        #expect(SavedState(path: path).pools.count == 9000)
    }

    @Test("What is not understood is left out, and the rest is kept")
    func partly() throws {
        let text = #"""
            {"pools": [{"path": "web"}, {"path": "/bad/"}, 7, {"path": "x", "limit": -1}, {"path": "y", "z": 1}],
             "machines": [{"name": "a", "process": 5, "shares": "low"}, {"name": "..", "process": 5},
                          {"name": "b", "process": 99999999999}, {"name": "c"}, null]}
            """#
        let state = SavedState(json: try JSONValue(text: Array(text.utf8)))
        #expect(state.pools.map(\.path.description) == ["web"])
        #expect(state.machines.map(\.name.description) == ["a"] && state.machines.first?.cpu.shares == .low)
    }

    @Test(
        "Garbage is as good as nothing",
        arguments: [
            "", "{", "[]", "null", "{\"pools\": {}}", "\u{0}\u{ff}", String(repeating: "[", count: 100_000),
        ])
    func garbage(text: String) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(Array(text.utf8), to: "roostd.json")
        #expect(SavedState(path: path) == SavedState())
    }

    @Test("A directory, or nothing, in its place does no harm")
    func noFile() throws {
        let directory = try TemporaryDirectory()
        #expect(SavedState(path: directory.path) == SavedState())
        #expect(SavedState(path: directory.path + "/none") == SavedState())
    }
}
