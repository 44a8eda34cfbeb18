import ManagerProtocol
import Resources
import Testing

@Suite("Addresses of the API")
struct RouteTests {
    @Test("An address is read back from its path")
    func roundTrip() throws {
        let name = try VMName("web-1.a_B")
        let routes: [ManagerRoute] = [
            .status, .machines, .machine(name), .reasons(name), .pools, .pool(try PoolPath("web")),
            .pool(try PoolPath("web/front/x")), .pool(.root), .journal,
        ]
        for route in routes { #expect(try ManagerRoute(path: route.path) == route) }
        #expect(ManagerRoute.pool(try PoolPath("a/b")).path == "/v1/pools/a%2Fb")
    }

    @Test("What follows a question mark is no part of it")
    func query() throws {
        #expect(try ManagerRoute(path: "/v1/status?verbose=1/2") == .status)
        #expect(try ManagerRoute(path: "/v1/machines/a%62?x") == .machine(try VMName("ab")))
    }

    @Test(
        "Anything else is not found, and says what",
        arguments: [
            "", "/", "v1/status", "/v1", "/v1/", "/v1/status/", "//v1/status", "/v2/status", "/v1/Status",
            "/v1/machines/a/b", "/v1/machines/a/reasons/", "/v1/pools/a/b", "/v1/journal/x", "*",
        ])
    func nothing(path: String) {
        #expect { try ManagerRoute(path: path) } throws: { error in
            let problem = error as? ManagerProblem
            return problem?.kind == .notFound && problem?.kind.status == 404
        }
    }

    @Test(
        "A name that cannot be one, or a broken escape, is no machine and no pool",
        arguments: [
            "", ".", "..", "-a", "a%2Fb", "a%00", "%", "%4", "%+1", "%-1", "%zz", "%ff", "a b",
            String(repeating: "a", count: 64), "a\u{301}",
        ])
    func badNames(name: String) {
        #expect { try ManagerRoute(path: "/v1/machines/\(name)") } throws: {
            ($0 as? ManagerProblem)?.kind == .noSuchMachine
        }
        guard name != "a%2Fb" else { return }
        #expect { try ManagerRoute(path: "/v1/pools/\(name)") } throws: {
            ($0 as? ManagerProblem)?.kind == .noSuchPool
        }
    }
}
