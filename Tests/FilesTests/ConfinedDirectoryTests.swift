import Files
import Foundation
import Glibc
import Memory
import Testing
import TestSupport

@Suite struct ConfinedDirectoryTests {
    private let outside: TemporaryFolder
    private let directory: ConfinedDirectory
    private var root: String { outside.path + "/data" }

    init() throws {
        outside = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: outside.path + "/data/run", withIntermediateDirectories: true)
        directory = try ConfinedDirectory(path: outside.path + "/data")
    }

    private func put(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: outside.path + "/" + path))
    }

    private func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: root + "/" + name, withDestinationPath: target)
    }

    private func code(_ body: () throws -> Void) -> Int32? {
        do {
            try body()
            return nil
        } catch FileError.system(_, _, let code) {
            return code
        } catch {
            return -1
        }
    }

    private func pieces(_ text: String) throws -> [(owner: any StableBytes, range: Range<Int>)] {
        let bytes = try Buffer(Array(text.utf8))
        return [(bytes, 0..<1), (bytes, 1..<bytes.count)]
    }

    @Test func opensWhatIsBeneath() throws {
        try put("abc", "data/run/a")
        try link("inside", to: "run/a")
        #expect(try directory.open("run/a").byteCount == 3)
        #expect(try directory.open("run/../run/a").byteCount == 3)
        #expect(try directory.open("inside").byteCount == 3)
        #expect(try directory.open("run/a").path == "run/a")
    }

    @Test(arguments: ["../secret", "run/../../secret", "/etc/hostname", "out", "folder/secret", "absolute"])
    func opensNothingElse(name: String) throws {
        try put("x", "secret")
        try link("out", to: "../secret")
        try link("folder", to: "..")
        try link("absolute", to: outside.path + "/data/run")
        #expect(code { _ = try directory.open(name) } == EXDEV)
    }

    @Test func opensRegularFilesOnly() throws {
        #expect(unsafe mkfifo(root + "/pipe", 0o600) == 0)
        #expect(code { _ = try directory.open("pipe") } == ENODEV)
        #expect(code { _ = try directory.open("run") } == ENODEV)
        #expect(code { _ = try directory.open("none") } == ENOENT)
    }

    @Test func writesAndMakesTheWay() throws {
        try directory.write("run/b/c.npy", try pieces("hello"))
        try directory.write("run/b/c.npy", try pieces("other"))
        #expect(try String(contentsOfFile: root + "/run/b/c.npy", encoding: .utf8) == "other")
        #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/run/b") == ["c.npy"])
    }

    @Test(arguments: ["../x", "run/../../x", "/tmp/x", "out/x", "", "run/", ".", "run/.."])
    func writesNowhereElse(name: String) throws {
        try link("out", to: "..")
        #expect(code { try directory.write(name, try pieces("x")) } == EXDEV)
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path) == ["data"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: root).sorted() == ["out", "run"])
    }

    @Test func putsAFileInPlaceOfALink() throws {
        try put("mine", "secret")
        try link("run/scores", to: "../../secret")
        try directory.write("run/scores", try pieces("theirs"))
        #expect(try String(contentsOfFile: outside.path + "/secret", encoding: .utf8) == "mine")
        #expect(try String(contentsOfFile: root + "/run/scores", encoding: .utf8) == "theirs")
    }

    @Test func leavesNothingOfWhatItCouldNotWrite() throws {
        try FileManager.default.createDirectory(atPath: root + "/run/taken", withIntermediateDirectories: true)
        #expect(code { try directory.write("run/taken", try pieces("x")) } == EISDIR)
        #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/run") == ["taken"])
    }
}
