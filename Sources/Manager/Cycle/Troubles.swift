internal import Resources

/// What is wrong now, a sentence for each thing that is, until it is right again. The latest few.
struct Troubles {
    /// What a sentence is about. There is one sentence at a time about each.
    enum Subject: Equatable {
        /// The mechanism that was to be used.
        case mechanism
        /// The group in which those of all machines lie.
        case groups
        /// Groups of machines that have ended.
        case leftovers
        /// Groups of managers that have ended.
        case otherManagers
        /// The weight of all machines together.
        case weight
        /// What there is of the host.
        case capacity
        /// The look into the run directory.
        case runDirectory
        /// The writing of `roostd.json`.
        case savedState
        /// The API's socket.
        case socket
        /// A pool that is not as it was before this manager.
        case pool(PoolPath)
        /// A machine that could not be taken over as it was.
        case takeover(VMName)
        /// What a machine used.
        case measuring(VMName)
        /// What a machine is set to.
        case setting(VMName)
    }

    private let limit: Int
    private var items: [(subject: Subject, sentence: String)] = []

    init(limit: Int) {
        self.limit = limit
    }

    /// The latest last.
    var sentences: [String] { items.map(\.sentence) }

    /// Something is wrong. The oldest is given up if there are too many.
    mutating func set(_ subject: Subject, _ sentence: String) {
        clear(subject)
        items.append((subject, sentence))
        if items.count > limit { items.removeFirst() }
    }

    /// It is right again, or gone.
    mutating func clear(_ subject: Subject) {
        guard !items.isEmpty else { return }
        items.removeAll { $0.subject == subject }
    }

    /// A machine is gone.
    mutating func clear(machine name: VMName) {
        for subject in [Subject.takeover(name), .measuring(name), .setting(name)] { clear(subject) }
    }
}
