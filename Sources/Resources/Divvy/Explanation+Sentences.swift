extension Explanation {
    /// The arithmetic in sentences, one a line: first the outcome, then the wish, then pool by pool.
    public var sentences: [String] { sentences(of: "the host") }

    /// The same of a host that is named otherwise, such as `the described host`.
    public func sentences(of host: String) -> [String] {
        let outcome = "VM '\(vm)' is entitled to \(cpus(entitlement))."
        guard want > .zero else { return [outcome, "It would use nothing now."] }
        return [outcome, wishSentence] + steps.flatMap { $0.sentences(of: host) }
    }

    private var wishSentence: String {
        let wish =
            switch bound {
            case .demand: "It would use \(cpus(demand)), and wants that"
            case .limit: "It would use \(cpus(demand)); its limit cuts that to \(cpus(want))"
            case .virtualCPUs:
                "It would use \(cpus(demand)); its \(count(settings.virtualCPUs, "virtual CPU")) can use \(cpus(want))"
            }
        let reservation = settings.cpu.reservation
        if reservation == .zero { return wish + "; nothing is reserved for it." }
        if reservation <= want { return wish + "; \(cpus(reservation)) of it are reserved." }
        return wish + "; \(cpus(reservation)) are reserved, and others use what it does not."
    }
}

extension Explanation.Step {
    /// What this pool does, in sentences.
    func sentences(of host: String) -> [String] {
        let place = pool.isRoot ? host.prefix(1).uppercased() + host.dropFirst() : "Pool '\(pool)'"
        let scene =
            "\(place) has \(cpus(amount)) to give; its \(count(competitorCount + 1, "member")) "
            + "that \(competitorCount == 0 ? "wants" : "want") any would use \(cpus(allWant))"
            + (allReserved == .zero ? "" : ", \(cpus(allReserved)) of it reserved")
        let who = member.description.prefix(1).uppercased() + member.description.dropFirst()
        guard outcome != .enoughForAll else {
            return ["\(scene): enough for all.", "\(who) gets the \(cpus(granted)) it wants."]
        }
        let worth = "\(who) has \(shares) of \(allShares) shares, here worth \(cpus(fairPart ?? .zero))"
        let outcome =
            switch outcome {
            case .enoughForAll, .shares:
                reserved > .zero
                    ? "\(worth): it gets \(cpus(granted)), \(cpus(reservationPart)) by its reservation and "
                        + "\(cpus(sharePart)) more by its shares."
                    : "\(worth): it gets \(cpus(granted))."
            case .wish:
                "\(worth), more than it wants: it gets all \(cpus(granted)), and others share the rest."
            case .reservation:
                "\(worth), less than its reservation: it gets the \(cpus(granted)) reserved for it."
            case .reservationsExceedCapacity:
                "\(worth): it gets \(cpus(granted)) of the \(cpus(reserved)) reserved for it."
            }
        let verdict =
            rule == .reservations ? "not even enough for the reservations." : "not enough, so shares decide."
        return ["\(scene): \(verdict)", outcome] + competitorSentence
    }

    private var rule: DivisionRule {
        switch outcome {
        case .enoughForAll: .enough
        case .reservationsExceedCapacity: .reservations
        case .shares, .wish, .reservation: .shares
        }
    }

    private var competitorSentence: [String] {
        guard !competitors.isEmpty else { return [] }
        let named = competitors.map {
            "\($0.member) gets \($0.granted) of \($0.want) with \($0.shares) shares"
        }
        let more = competitorCount - competitors.count
        return ["Beside it \(named.joined(separator: ", "))\(more > 0 ? ", and \(more) more" : "")."]
    }
}

private func count(_ number: Int, _ noun: String) -> String {
    number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
}
