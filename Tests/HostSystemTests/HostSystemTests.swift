import Foundation
import MachineTesting
import Synchronization
import Testing

@testable import HostSystem

@Suite("Host system")
struct HostSystemTests {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// Which open file a descriptor is, or nil if it is closed. Numbers are reused by tests that run
    /// beside this one; names of files of this test are not.
    private func target(_ number: Int32) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
    }

    @Test("A descriptor is closed with its owner, and once; one given up stays open")
    func descriptor() throws {
        let path = try directory.write([1], to: "file")
        let number: Int32
        do {
            let owned = try OwnedDescriptor.open(path, O_RDONLY)
            number = owned.number
            #expect(target(number) == path)
            #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
        }
        #expect(target(number) != path)
        let released = try OwnedDescriptor.open(path, O_RDONLY).release()
        #expect(target(released) == path)
        let again = OwnedDescriptor(takingOver: released)
        _ = consume again
        #expect(target(released) != path)
    }

    @Test("A file that cannot be opened is named with the reason")
    func openError() {
        #expect(throws: SystemError("open /no/file", number: ENOENT)) {
            _ = try OwnedDescriptor.open("/no/file", O_RDONLY).release()
        }
    }

    @Test("A directory has one path, however it is named")
    func realPath() throws {
        let whole = try FileTree.realPath(directory.path)
        try FileTree.link(directory.path + "/link", to: directory.path)
        for name in ["/", "/./", "/link", "/link/../\(directory.path.split(separator: "/").last ?? "")"] {
            #expect(try FileTree.realPath(directory.path + name) == whole)
        }
        #expect(throws: SystemError("find the path /no/directory", number: ENOENT)) {
            try FileTree.realPath("/no/directory")
        }
    }

    @Test("A lock is had by one at a time, until its owner lets go")
    func lock() throws {
        let path = directory.path + "/lock"
        try withNoProcessBeingStarted {
            do {
                let first = try FileLock.acquire(path)
                let hasFirst = first != nil
                #expect(hasFirst)
                let second = try FileLock.acquire(path)
                let hasSecond = second != nil
                #expect(!hasSecond)
            }
            let third = try FileLock.acquire(path)
            let hasThird = third != nil
            #expect(hasThird)
        }
    }

    @Test("A lock on a file that was removed meanwhile does not count")
    func removedLock() throws {
        let path = directory.path + "/lock"
        let first = try FileLock.acquire(path)
        FileTree.remove(path)
        let second = try FileLock.acquire(path)
        let haveBoth = first != nil && second != nil
        #expect(haveBoth)
        #expect(directory.contents() == ["lock"])
    }

    @Test("A regular file is read at its places, and one that shrinks is an error")
    func regularFile() throws {
        let path = try directory.write(Array(0..<100), to: "file")
        let file = try RegularFile.open(path)
        #expect(file.size == 100)
        #expect(try file.bytes(at: 90, count: 10) == Array(90..<100))
        #expect(try file.bytes(at: 100, count: 0) == [])
        try #require(unsafe truncate(path, 50) == 0)
        #expect(try file.bytes(at: 40, count: 10) == Array(40..<50))
        let error = #expect(throws: SystemError.self) { _ = try file.bytes(at: 45, count: 10) }
        #expect(
            error?.description
                == "cannot read \(path): Input/output error; it became shorter while it was read")
    }

    @Test("What is no regular file is refused", arguments: ["/", "/dev/null"])
    func irregularFile(path: String) {
        let error = #expect(throws: SystemError.self) { _ = try RegularFile.open(path) }
        #expect(error?.description.hasSuffix("it is no regular file") == true)
    }

    @Test("A poll set tells which descriptor is ready, waits no longer than told, and forgets")
    func pollSet() throws {
        let one = try EventDescriptor()
        let two = try EventDescriptor()
        var events = PollSet()
        events.watch(one.descriptor.number, for: .readable)
        events.watch(two.descriptor.number, for: .readable)
        events.watch(two.descriptor.number, for: [])
        #expect(try !events.wait(timeoutMilliseconds: 0))
        two.signal()
        #expect(try events.wait(timeoutMilliseconds: nil))
        #expect(events.readiness(of: one.descriptor.number) == [])
        #expect(events.readiness(of: two.descriptor.number) == .readable)
        #expect(events.readiness(of: 12345) == [])
        #expect(two.drain() == true)
        #expect(two.drain() == false)
        #expect(try !events.wait(timeoutMilliseconds: 1))
        one.signal()
        events.removeAll()
        #expect(try !events.wait(timeoutMilliseconds: 0))
    }

    @Test("A poll set tells of a reader that went away")
    func hangup() throws {
        try withNoProcessBeingStarted {
            var ends: [Int32] = [0, 0]
            try #require(unsafe pipe(&ends) == 0)
            let writer = OwnedDescriptor(takingOver: ends[1])
            do { _ = OwnedDescriptor(takingOver: ends[0]) }
            var events = PollSet()
            events.watch(writer.number, for: .writable)
            #expect(try events.wait(timeoutMilliseconds: nil))
            #expect(events.readiness(of: writer.number).contains(.error))
        }
    }

    @Test("A thread has its name, cut to what the kernel keeps, and is over when joined")
    func threadName() throws {
        let name = Mutex("")
        let thread = try HostThread(name: "a-name-of-more-than-15-bytes") {
            let text = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
            name.withLock { $0 = text ?? "?" }
        }
        thread.join()
        #expect(name.withLock { $0 } == "a-name-of-more-\n")
    }

    @Test("A kick gets a thread out of what it waits for in the kernel, even if its maker blocks all signals")
    func kick() throws {
        try SignalDispositions.install()
        let progress = Monitor(0)
        let event = try EventDescriptor()
        let number = event.descriptor.number
        let thread = try HostThread(name: "kicked") {
            progress.update { $0 = 1 }
            var events = PollSet()
            events.watch(number, for: .readable)
            // Without time: only a kick, which is no readiness, ends this.
            let isReady = try? events.wait(timeoutMilliseconds: nil)
            progress.update { $0 = isReady == false ? 2 : 3 }
        }
        _ = progress.wait { $0 >= 1 ? true : nil }
        // A kick before the thread waits is lost, as pthread_kill(3) is: kick until it has come out.
        while progress.update({ $0 }) == 1 { thread.kick() }
        thread.join()
        #expect(progress.update { $0 } == 2)
        _ = consume event
    }

    @Test("A monitor's waiters see every change, and none is lost")
    func monitor() throws {
        let count = Monitor(0)
        let threads = try (0..<4).map { index in
            try HostThread(name: "adder\(index)") {
                for _ in 0..<1000 { count.update { $0 += 1 } }
            }
        }
        #expect(count.wait { $0 == 4000 ? $0 : nil } == 4000)
        for thread in threads { thread.join() }
    }

    @Test("A monitor's update passes on what its body throws, and lets go of the lock")
    func monitorThrows() {
        let value = Monitor(1)
        #expect(throws: TestFailure.self) {
            try value.update { (value: inout Int) throws(TestFailure) in
                value = 2
                throw TestFailure("")
            }
        }
        #expect(value.update { $0 } == 2)
    }

    @Test("Closed standard descriptors are filled before a run, so that no file gets their numbers")
    func standardDescriptors() throws {
        for input in [ChildProcess.Input.closed, .null] {
            let child = try ChildProcess(
                TestHost.buildDirectory + "/roost", ["run", "--spec", "-", "--print-spec"], input: input,
                output: .closed)
            #expect(try child.finish() == .exited(65))
            #expect(
                child.errors.text
                    == "roost: error: standard input:1:1: expected a value, found the end of the text\n")
        }
    }

    @Test("An error says what was tried, why it failed and what helps")
    func errors() {
        #expect(
            SystemError("open x", number: -ENOENT).description == "cannot open x: No such file or directory")
        #expect(
            SystemError("a", number: EPERM, advice: "do b").description
                == "cannot a: Operation not permitted; do b")
        #expect(
            SystemError("a", number: EACCES).isPermission && !SystemError("a", number: ENOENT).isPermission)
    }
}
