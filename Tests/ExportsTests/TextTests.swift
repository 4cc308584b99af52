import Memory
import Testing

@testable import Exports

@Suite struct TextTests {
    @Test func escapesXML() {
        #expect(XMLText.escaped("a<b>&\"c' ü文😀") == "a&lt;b&gt;&amp;&quot;c' ü文😀")
        // XML 1.0, section 2.2: what no document can hold; section 3.3.3: what a reader would make blanks of.
        #expect(XMLText.escaped("\u{0}\u{1F}\u{FFFE}\t\r\n") == "\u{FFFD}\u{FFFD}\u{FFFD}&#9;&#13;&#10;")
    }

    @Test func escapesPaths() {
        #expect(URLText.escaped(path: "a/b-c_d.e~f 1?#%é\n") == "a/b-c_d.e~f%201%3F%23%25%C3%A9%0A")
    }

    @Test(arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar"]) func writesBase64(text: String) throws {
        // RFC 4648, section 10.
        let expected = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"][text.utf8.count]
        var bytes: [UInt8] = []
        Base64.append(try Buffer(Array(text.utf8)), to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "\"\(expected)\"")
    }

    @Test func writesCOCOsLetters() {
        #expect(RunLengths.letters(of: [13, 3, 3, 1, 1, 1, 3, 3, 3, 3, 14]) == "=33NN02200;")
    }

    @Test(arguments: [1, 2, 3, 5]) func cutsMasksIntoRingsThatCoverThem(count: Int) throws {
        for (width, height) in [(1, 1), (1, 8), (8, 1), (9, 7), (30, 31)] {
            let picture = pattern(width, height, below: count + 1, seed: width)
            let mask = try ExportedMask(picture, width: width)
            var covered = [Int](repeating: 0, count: picture.count)
            var cut = PolygonCut()
            mask.forEachRun { cut.add($0, $1) }
            for ring in cut.rings {
                // A pixel is inside if a ray from it to the left meets an odd number of upright edges.
                let corners = stride(from: 0, to: ring.count, by: 2).map { (x: ring[$0], y: ring[$0 + 1]) }
                for place in picture.indices {
                    let (y, x) = place.quotientAndRemainder(dividingBy: width)
                    let crossings = zip(corners, corners.dropFirst() + corners.prefix(1)).count { from, to in
                        from.x == to.x && from.x <= x && (min(from.y, to.y)..<max(from.y, to.y)).contains(y)
                    }
                    if crossings % 2 == 1 { covered[place] += 1 }
                }
            }
            #expect(covered == picture.map { $0 == 0 ? 0 : 1 })
        }
    }

    /// Reads thi.ng's `rle-pack` bit by bit.
    private func unpacked(_ bytes: [UInt8]) -> [UInt8] {
        var place = 0
        func read(_ count: Int) -> Int {
            defer { place += count }
            return (place..<place + count).reduce(0) { $0 << 1 | Int(bytes[$1 / 8] >> UInt8(7 - $1 % 8) & 1) }
        }
        let count = read(32)
        let wordSize = read(5) + 1
        let sizes = (0..<4).map { _ in read(4) + 1 }
        var values: [UInt8] = []
        while values.count < count {
            let isRun = read(1) == 1
            let length = read(sizes[read(2)]) + 1
            if isRun {
                values += [UInt8](repeating: UInt8(read(wordSize)), count: length)
            } else {
                for _ in 0..<length { values.append(UInt8(read(wordSize))) }
            }
        }
        return values
    }

    @Test(arguments: [(1, 1), (2, 1), (3, 1), (65, 3), (1, 300), (200, 200)])
    func packsBrushes(width: Int, height: Int) throws {
        for picture in [
            pattern(width, height, below: 2), pattern(width, height, below: 40),
            [UInt16](repeating: 1, count: width * height), [UInt16](repeating: 0, count: width * height),
        ] {
            let text = BrushRuns(try ExportedMask(picture, width: width), width: width, height: height).text
            let list = String(decoding: text, as: UTF8.self).dropFirst().dropLast()
            let bytes = list.split(separator: ",").compactMap { UInt8($0) }
            #expect(unpacked(bytes) == picture.flatMap { [UInt8](repeating: $0 == 0 ? 0 : 255, count: 4) })
        }
    }
}
