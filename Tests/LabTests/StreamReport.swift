import MachineTesting
import Testing

/// The last line of guests/linux/stream.c: how much went which way, with sums over all connections.
struct StreamReport {
    let connections: Int
    let sent: Int
    let sentSum: String
    let received: Int
    let receivedSum: String

    init?(_ output: String) {
        // stream: N connections, sent N sum X, received N sum X
        let words = output.split(separator: "\n").last?.split { $0 == " " || $0 == "," } ?? []
        guard words.count == 11, words[0] == "stream:", let connections = Int(words[1]),
            let sent = Int(words[4]), let received = Int(words[8])
        else { return nil }
        self.connections = connections
        self.sent = sent
        sentSum = String(words[6])
        self.received = received
        receivedSum = String(words[10])
    }

    /// Checks that both ends have seen the same, and that it is what was asked for.
    static func check(
        guest: StreamReport?, host: StreamReport?, toGuest: Int, fromGuest: Int, connections: Int
    ) throws {
        let guest = try #require(guest)
        let host = try #require(host)
        #expect(guest.connections == connections && host.connections == connections)
        #expect(host.sent == toGuest * connections && guest.received == host.sent)
        #expect(guest.sent == fromGuest * connections && host.received == guest.sent)
        #expect(guest.receivedSum == host.sentSum && host.receivedSum == guest.sentSum)
    }
}
