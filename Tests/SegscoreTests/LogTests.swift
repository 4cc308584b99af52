import Foundation
import Glibc
import Logging
import Testing

@testable import segscore

@Suite struct LogTests {
    private func line(_ message: String, _ metadata: Logger.Metadata = [:], _ format: LogFormat) -> String {
        let line = LogLine(
            time: Date(timeIntervalSince1970: 0), level: .notice, label: "name", source: "Module", message: message,
            metadata: metadata)
        return String(decoding: line.bytes(format), as: UTF8.self)
    }

    @Test func writesText() {
        #expect(
            line("said", ["b": "2", "a": "ä b"], .text)
                == "1970-01-01T00:00:00.000Z notice name: a=ä b b=2 [Module] said\n")
    }

    @Test func writesJSON() {
        #expect(
            line("said", ["a.b": "\"\\"], .json)
                == #"{"a.b":"\"\\","level":"notice","logger":"name","message":"said","time":"1970-01-01T00:00:00.000Z"}"#
                + "\n")
    }

    @Test(arguments: ["\n", "\r\n", "\u{0}", "\u{1B}", "\u{7F}", "\u{85}", "\u{2028}", "\u{202E}", "\u{E0041}"])
    func escapesWhatIsUnfit(character: String) throws {
        for format in LogFormat.allCases {
            let text = line("a\(character)z", ["k": "a\(character)z"], format).dropLast()
            for scalar in character.unicodeScalars { #expect(!text.unicodeScalars.contains(scalar)) }
        }
        let data = Data(line("a\(character)z", [:], .json).utf8)
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: String])
        #expect(object["message"] == "a\(character)z")
    }

    @Test func losesLinesOfAPipeThatNobodyReadsAndSaysSo() throws {
        var ends: [Int32] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        let reader = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        let writer = LogWriter(ends[1], byteLimit: 4 << 10) { Array("lost \($0)\n".utf8) }
        let line = Array(repeating: UInt8(ascii: "x"), count: 999) + [0x0A]
        var written = 0
        while writer.lostCount < 3 {
            writer.write(line)
            written += 1
        }
        // Nobody waits for ever.
        writer.flush(patience: 0.01)
        var text: [UInt8] = []
        while text.count / 1000 < written - 3 { text += reader.availableData }
        writer.write(Array("last\n".utf8))
        writer.flush(patience: 60)
        text += reader.availableData
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        #expect(lines.filter { $0.count == 999 }.count == written - 3)
        // A writer that was slow to begin may have lost some before.
        let lost = lines.compactMap { $0.hasPrefix("lost ") ? Int($0.dropFirst(5)) : nil }
        #expect(lost.reduce(0, +) == 3 && lines.last == "last")
        close(ends[1])
    }

    @Test func countsLinesThatCannotBeWritten() throws {
        let full = open("/dev/full", O_WRONLY)
        try #require(full >= 0)
        let writer = LogWriter(full) { _ in [] }
        for _ in 0..<3 { writer.write([0x0A]) }
        writer.flush(patience: 60)
        #expect(writer.lostCount == 3)
        close(full)
    }
}
