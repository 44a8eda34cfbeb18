/// First in, first out, with room for so many and never more. Allocated once.
struct EventQueue<Event> {
    private var ring: [Event?]
    private var first = 0
    private(set) var count = 0

    init(capacity: Int) {
        precondition(capacity >= 1)
        ring = Array(repeating: nil, count: capacity)
    }

    /// - Returns: false if there is no room.
    mutating func append(_ event: Event) -> Bool {
        guard count < ring.count else { return false }
        let place = first + count
        ring[place < ring.count ? place : place - ring.count] = event
        count += 1
        return true
    }

    mutating func popFirst() -> Event? {
        guard count > 0 else { return nil }
        let event = ring[first].take()
        first = first + 1 < ring.count ? first + 1 : 0
        count -= 1
        return event
    }
}
