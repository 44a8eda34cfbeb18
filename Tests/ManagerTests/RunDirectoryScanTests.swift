import ControlProtocol
import HostSystem
import MachineTesting
import Resources
import Testing

@testable import Manager

@Suite("The look into the run directory")
struct RunDirectoryScanTests {
    @Test("A specification of no machine to be managed is read once, and again when its file has changed")
    func readings() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/vm"
        try FileTree.makePrivateDirectory(path)
        let lock = try FileLock.acquire("\(path)/\(RunFiles.lock)")
        _ = try directory.write(Array("{}".utf8), to: "vm/\(RunFiles.specification)")
        var scan = RunDirectoryScan(path: directory.path)
        for _ in 0..<5 { #expect(try scan.machines { _ in false }.isEmpty) }
        #expect(scan.readings == 1)
        _ = try directory.write(Array("{ }".utf8), to: "vm/\(RunFiles.specification)")
        for _ in 0..<5 { #expect(try scan.machines { _ in false }.isEmpty) }
        #expect(scan.readings == 2)
        _ = consume lock
    }

    @Test("A machine's directory is seen whenever it comes, and nothing is read of one that does not run")
    func newDirectories() throws {
        let directory = try TemporaryDirectory()
        var scan = RunDirectoryScan(path: directory.path)
        for number in 0..<20 {
            for _ in 0..<(number % 4) { #expect(try scan.machines { _ in false }.isEmpty) }
            try FileTree.makePrivateDirectory("\(directory.path)/vm\(number)")
            var asked: [String] = []
            _ = try scan.machines { name in
                asked.append(name.description)
                return true
            }
            #expect(asked.count == number + 1 && asked.contains("vm\(number)"))
        }
        #expect(scan.readings == 0)
    }
}
