internal import HTTPTypes
internal import HummingbirdCore
internal import JSONText
internal import ManagerProtocol
internal import NIOCore
internal import Stages

/// From a request of HTTP to one of the manager's loop, and back.
struct APIResponder: Sendable {
    /// The most bytes of a body: no request of this API needs a tenth.
    static let longestBody = 64 << 10

    private let core: ManagerCore
    private let client: APIClient
    private let journalReaders: JournalReaders

    init(_ core: ManagerCore, client: APIClient, journalReaders: JournalReaders) {
        self.core = core
        self.client = client
        self.journalReaders = journalReaders
    }

    /// What to answer, and the turn in which to do it.
    struct Answer {
        var response: Response
        /// Nil if the loop had nothing to do with it.
        var turn: FairTurn?

        /// Whether the request was not taken on.
        var isRefusal: Bool { turn == nil && response.status == .serviceUnavailable }
    }

    func respond(to request: Request) async throws -> Answer {
        var answer: Answer
        do {
            let (result, turn) = await ask(try await understand(request))
            // Here, not on the loop: a list takes longer to write than to look up.
            switch result {
            case .success(let reply): answer = self.answer(reply)
            case .failure(let problem): answer = Self.answer(problem)
            }
            answer.turn = turn
        } catch let problem as ManagerProblem {
            answer = Self.answer(problem)
        } catch let refusal as WrongMethod {
            answer = refusal.answer
        }
        // RFC 9110, §9.3.2: as many bytes are announced, and none is sent.
        if request.method == .head { answer.response.body = ResponseBody() }
        return answer
    }

    private func ask(
        _ request: ManagerRequest
    ) async -> (Result<ManagerReply, ManagerProblem>, FairTurn?) {
        await withCheckedContinuation { continuation in
            let admission = core.submit(request, from: client) { continuation.resume(returning: ($0, $1)) }
            if case .refused(let reason) = admission {
                continuation.resume(returning: (.failure(Self.problem(reason)), nil))
            }
        }
    }

    private static func problem(_ refusal: Refusal) -> ManagerProblem {
        switch refusal {
        case .queueFull: ManagerProblem(.overloaded, "more requests wait than the manager can answer in time")
        case .tooSlow, .overRate:
            ManagerProblem(.overloaded, "requests take longer than they should: the manager takes on fewer")
        case .ended: ManagerProblem(.overloaded, "the manager is ending")
        }
    }

    /// A method that an address does not have.
    private struct WrongMethod: Error {
        let allowed: String

        var answer: Answer {
            var answer = APIResponder.answer(
                status: .methodNotAllowed, type: "application/problem+json",
                text: ([
                    "type": "urn:roost:problem:method-not-allowed", "title": "Method not allowed",
                    "status": 405, "detail": .string("allowed here: \(allowed)"),
                ] as JSONValue).text())
            answer.response.headers[.allow] = allowed
            return answer
        }
    }

    private func understand(_ request: Request) async throws -> ManagerRequest {
        let route = try ManagerRoute(path: request.head.path ?? "")
        switch (route, request.method) {
        case (.status, .get): return .status
        case (.machines, .get): return .machines
        case (.machine(let name), .get): return .machine(name)
        case (.machine(let name), .put):
            return .register(name, try MachineRegistration(json: try await body(of: request)))
        case (.machine(let name), .patch):
            return .changeMachine(name, try MachineChange(json: try await body(of: request)))
        case (.machine(let name), .delete): return .forget(name)
        case (.reasons(let name), .get): return .reasons(name)
        case (.pools, .get): return .pools
        case (.pools, .post):
            let pool = try NewPool(json: try await body(of: request))
            return .makePool(pool.path, pool.settings)
        case (.pool(let path), .get): return .pool(path)
        case (.pool(let path), .patch):
            return .changePool(path, try PoolChange(json: try await body(of: request)))
        case (.pool(let path), .delete): return .removePool(path)
        case (.journal, .get): return .journal
        case (.machine, _): throw WrongMethod(allowed: "GET, PUT, PATCH, DELETE")
        case (.pools, _): throw WrongMethod(allowed: "GET, POST")
        case (.pool, _): throw WrongMethod(allowed: "GET, PATCH, DELETE")
        case (.status, _), (.machines, _), (.reasons, _), (.journal, _): throw WrongMethod(allowed: "GET")
        }
    }

    private func body(of request: Request) async throws -> JSONValue {
        let bytes: [UInt8]
        do {
            let buffer = try await request.body.collect(upTo: Self.longestBody)
            bytes = Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw ManagerProblem(.tooLarge, "the body is longer than \(Self.longestBody) bytes")
        }
        do {
            return try JSONValue(text: bytes)
        } catch {
            throw ManagerProblem(.badRequest, "the body is not JSON: \(error)")
        }
    }

    private func answer(_ reply: ManagerReply) -> Answer {
        switch reply {
        case .value(let json): Self.answer(status: .ok, type: "application/json", text: json.text())
        case .made(let json): Self.answer(status: .created, type: "application/json", text: json.text())
        case .done: Answer(response: Response(status: .noContent))
        case .lines(let lines):
            if let reader = journalReaders.enter() {
                Self.answer(lines, to: reader)
            } else {
                Self.answer(ManagerProblem(.overloaded, "others are being sent the journal already"))
            }
        }
    }

    /// Bytes of a long text that are put together at a time; the next come when these are taken.
    private static let pieceSize = 64 << 10

    /// A long text, which is never whole in memory beside its lines, however many ask for it and do not read.
    private static func answer(_ lines: [String], to reader: JournalReaders.Reader) -> Answer {
        let size = lines.reduce(0) { $0 + $1.utf8.count + 1 }
        let body = ResponseBody(contentLength: size) { writer in
            defer { withExtendedLifetime(reader) {} }
            var piece = ByteBuffer()
            for line in lines {
                piece.writeString(line)
                piece.writeInteger(UInt8(ascii: "\n"))
                guard piece.readableBytes >= pieceSize else { continue }
                try await writer.write(piece)
                piece.clear()
            }
            if piece.readableBytes > 0 { try await writer.write(piece) }
            try await writer.finish(nil)
        }
        return Answer(
            response: Response(
                status: .ok,
                headers: [.contentType: "text/plain; charset=utf-8", .contentLength: "\(size)"], body: body))
    }

    private static func answer(_ problem: ManagerProblem) -> Answer {
        var answer = answer(
            status: .init(code: problem.kind.status), type: "application/problem+json",
            text: problem.json.text())
        if problem.kind == .overloaded { answer.response.headers[.retryAfter] = "1" }
        return answer
    }

    private static func answer(status: HTTPResponse.Status, type: String, text: String) -> Answer {
        let bytes = ByteBuffer(string: text)
        return Answer(
            response: Response(
                status: status, headers: [.contentType: type, .contentLength: "\(bytes.readableBytes)"],
                body: ResponseBody(byteBuffer: bytes)))
    }
}
