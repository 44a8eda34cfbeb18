public import JSONText

/// One request, as it stands on a line. JSON-RPC 2.0, 4.
public struct ControlRequest: Equatable, Sendable {
    /// A string, a number or null, which the reply repeats; nil for a notification, which gets no reply.
    public let id: JSONValue?
    /// What is asked for.
    public let call: ControlCall

    /// A request to send.
    public init(id: JSONValue?, _ call: ControlCall) {
        self.id = id
        self.call = call
    }

    /// Reads a line without its line feed.
    ///
    /// Batches are refused: requests on lines of their own do the same.
    public init(line: [UInt8]) throws(RefusedRequest) {
        let value: JSONValue
        do {
            value = try JSONValue(text: line, sizeLimit: ControlLimits.longestLine)
        } catch {
            throw RefusedRequest(id: .null, ControlError(.parseError, "this is not JSON: \(error)"))
        }
        guard case .object = value else {
            var sentence = "a request is an object, not \(value.kind)"
            if case .array = value {
                sentence = "batches are not taken: send each request on a line of its own"
            }
            throw RefusedRequest(id: .null, ControlError(.invalidRequest, sentence))
        }
        let id = value["id"]
        switch id {
        case nil, .null, .string, .integer, .unsigned, .number: break
        default:
            throw RefusedRequest(
                id: .null, ControlError(.invalidRequest, "id must be a string, a number or null"))
        }
        let method = try Self.method(of: value, id: id ?? .null)
        do {
            call = try ControlCall(method: method, parameters: value["params"])
        } catch {
            throw RefusedRequest(id: id, error)
        }
        self.id = id
    }

    /// The method of what is a request in form.
    private static func method(of value: JSONValue, id: JSONValue) throws(RefusedRequest) -> String {
        guard value["jsonrpc"] == "2.0" else {
            throw RefusedRequest(id: id, ControlError(.invalidRequest, "jsonrpc must be \"2.0\""))
        }
        guard case .string(let method) = value["method"] else {
            throw RefusedRequest(id: id, ControlError(.invalidRequest, "method must be a string"))
        }
        switch value["params"] {
        case nil, .object, .array: return method
        default:
            throw RefusedRequest(
                id: id, ControlError(.invalidRequest, "params must be an object, if there are any"))
        }
    }

    /// The line, with its line feed.
    public var line: [UInt8] {
        var members = [JSONMember("jsonrpc", "2.0")]
        if let id { members.append(JSONMember("id", id)) }
        members.append(JSONMember("method", .string(call.method)))
        if let parameters = call.parameters { members.append(JSONMember("params", parameters)) }
        return Array((JSONValue.object(members).text() + "\n").utf8)
    }
}

/// A line that is no request that can be carried out.
public struct RefusedRequest: Error, Equatable, Sendable {
    /// What to answer; nil if it was a notification.
    public let reply: ControlReply?

    init(id: JSONValue?, _ error: ControlError) {
        reply = id.map { ControlReply(id: $0, .failure(error)) }
    }
}

/// The answer to a request. JSON-RPC 2.0, 5.
public struct ControlReply: Equatable, Sendable {
    /// The request's; null if it could not be read.
    public let id: JSONValue
    /// What came of it.
    public let outcome: Result<JSONValue, ControlError>

    /// An answer to send.
    public init(id: JSONValue, _ outcome: Result<JSONValue, ControlError>) {
        self.id = id
        self.outcome = outcome
    }

    /// Reads a line without its line feed.
    ///
    /// - Throws: what is wrong with it, as an internal error.
    public init(line: [UInt8]) throws(ControlError) {
        let value: JSONValue
        do {
            value = try JSONValue(text: line)
        } catch {
            throw ControlError(.internalError, "the answer is not JSON: \(error)")
        }
        let reader = try MemberReader(result: value)
        id = reader.value("id") ?? .null
        if let result = reader.value("result") {
            outcome = .success(result)
            return
        }
        let error = try MemberReader(result: try reader.required("error", reader.value("error")))
        guard case .integer(let number) = error.value("code") else { throw error.missing("code") }
        let message = try error.required("message", try error.string("message"))
        // A newer machine may know codes that are not known here; the sentence says enough.
        outcome = .failure(ControlError(.init(rawValue: number) ?? .internalError, message))
    }

    /// The line, with its line feed.
    public var line: [UInt8] {
        let members: [JSONMember] =
            switch outcome {
            case .success(let result): [JSONMember("result", result)]
            case .failure(let error): [JSONMember("error", error.json)]
            }
        let all = [JSONMember("jsonrpc", "2.0"), JSONMember("id", id)] + members
        return Array((JSONValue.object(all).text() + "\n").utf8)
    }
}
