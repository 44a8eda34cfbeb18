import JSONText
import Resources
import Testing

@testable import ManagerProtocol

@Suite("Bodies of the API")
struct BodyTests {
    private func refusal<Value>(_ body: () throws -> Value) -> ManagerProblem? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? ManagerProblem
        }
    }

    @Test("A registration is read back, and what is left out is normal")
    func registration() throws {
        let full = MachineRegistration(
            process: 77, virtualCPUs: 3,
            cpu: try CPUAllocation(
                shares: .high, reservation: CPUAmount(parsing: "0.5"), limit: CPUAmount(parsing: "1.25")),
            pool: try PoolPath("a/b"))
        #expect(try MachineRegistration(json: full.json) == full)
        let least = try MachineRegistration(json: ["process": 5, "cpus": 1])
        #expect(least == MachineRegistration(process: 5, virtualCPUs: 1))
        #expect(least.pool.isRoot && least.cpu == .normal)
    }

    @Test(
        "What a registration cannot be is refused with the member's name",
        arguments: [
            (#"{"cpus": 1}"#, "process"), (#"{"process": 0, "cpus": 1}"#, "process"),
            (#"{"process": 4294967297, "cpus": 1}"#, "process"), (#"{"process": "1", "cpus": 1}"#, "process"),
            (#"{"process": 1}"#, "cpus"), (#"{"process": 1, "cpus": 8193}"#, "cpus"),
            (#"{"process": 1, "cpus": 1, "pool": "/a"}"#, "pool"),
            (#"{"process": 1, "cpus": 1, "shares": 0}"#, "shares"),
            (#"{"process": 1, "cpus": 1, "shares": null}"#, "shares"),
            (#"{"process": 1, "cpus": 1, "reservation": null}"#, "reservation"),
            (#"{"process": 1, "cpus": 1, "pool": null}"#, "pool"),
            (#"{"process": null, "cpus": 1}"#, "process"),
            (#"{"process": 1, "cpus": 1, "shares": 1.5}"#, "shares"),
            (#"{"process": 1, "cpus": 1, "limit": true}"#, "limit"),
            (#"{"process": 1, "cpus": 1, "reservation": -1}"#, "reservation"),
            (#"{"process": 1, "cpus": 1, "reservation": -1e-300}"#, "reservation"),
            (#"{"process": 1, "cpus": 1, "reservation": 1e300}"#, "reservation"),
            (#"{"process": 1, "cpus": 1, "reservation": 9223372036854775807}"#, "reservation"),
            (#"{"process": 1, "cpus": 1, "colour": 1}"#, "colour"),
        ])
    func badRegistration(body: String, member: String) throws {
        let json = try JSONValue(text: Array(body.utf8))
        let problem = try #require(refusal { try MachineRegistration(json: json) })
        #expect(problem.kind == .invalid && problem.detail.contains(member), "\(problem)")
    }

    @Test("A limit that is null goes, one that is not there stays")
    func limits() throws {
        let limited = try CPUAllocation(limit: .one)
        #expect(try MachineChange(json: ["limit": .null]).cpu.applied(to: limited).limit == nil)
        #expect(try MachineChange(json: ["shares": 7]).cpu.applied(to: limited).limit == .one)
        #expect(try MachineChange(json: [:]).cpu.isEmpty)
        #expect(refusal { try MachineChange(json: .array([])) }?.kind == .badRequest)
    }

    @Test("A reservation above the limit is refused")
    func order() throws {
        let change = try MachineChange(json: ["reservation": 2, "limit": 1])
        #expect(refusal { try change.cpu.applied(to: .normal) }?.kind == .invalid)
    }

    @Test("Pools, problems and answers are read back")
    func roundTrips() throws {
        var settings = PoolChange(isExpandable: true)
        settings.cpu.reservation = .one
        let pool = NewPool(path: try PoolPath("web"), settings: settings)
        #expect(try NewPool(json: pool.json) == pool)
        for kind in ManagerProblem.Kind.allCases {
            let problem = ManagerProblem(kind, "\(kind) of it")
            #expect(ManagerProblem(json: problem.json) == problem)
            #expect((400...599).contains(kind.status))
        }
        #expect(ManagerProblem(json: ["type": "about:blank", "detail": "x"]) == nil)
        let report = MachineReport(
            name: try VMName("a"), registration: .init(process: 3, virtualCPUs: 2), entitlement: .one,
            worstCase: .zero, demand: nil, used: .one)
        #expect(try MachineReport(json: report.json) == report)
        let status = ManagerStatus(
            process: 9, uptimeMilliseconds: .max, mechanism: "nice", remarks: ["x"], capacity: .one,
            unreserved: .zero, machines: 0)
        #expect(try ManagerStatus(json: status.json) == status)
    }
}
