import Testing

@testable import Manager

@Suite("Connections of clients")
struct ConnectionCountTests {
    @Test("Each client has so many, all together have so many, and who leaves makes room")
    func counts() {
        let count = ConnectionCount()
        let one = APIClient.process(1)
        for _ in 0..<APILoad.connectionsOfClient { #expect(count.enter(one)) }
        #expect(!count.enter(one))
        count.leave(one)
        #expect(count.enter(one))
        var taken = APILoad.connectionsOfClient
        var client: Int32 = 2
        while taken < APILoad.connections {
            #expect(count.enter(.process(client)))
            client += 1
            taken += 1
        }
        #expect(!count.enter(.process(client)))
        count.leave(.process(2))
        #expect(count.enter(.process(client)))
    }
}
