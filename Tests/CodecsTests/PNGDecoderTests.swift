import Codecs
import Memory
import Testing

@Suite struct PNGDecoderTests {
    private func decode(
        _ file: [UInt8], by size: Int = 1 << 30, colours: ColourClasses? = nil, refusal: TestFailure? = nil
    ) throws(TestFailure) -> TensorCollector {
        let collector = TensorCollector()
        collector.refusal = refusal
        let decoder = try PNGDecoder(receiver: collector, colours: colours)
        try push(file, by: size) { (bytes) throws(TestFailure) in try decoder.decode(bytes) }
        try decoder.finish()
        #expect(collector.hasEnded)
        return collector
    }

    private func noise(_ count: Int, depth: Int) -> [Int] {
        var generator = SeededGenerator(state: UInt64(count * 17 + depth))
        return (0..<count).map { _ in .random(in: 0..<1 << depth, using: &generator) }
    }

    private func failure(of file: [UInt8], colours: ColourClasses? = nil) -> CodecError? {
        do throws(TestFailure) {
            _ = try decode(file, colours: colours)
            return nil
        } catch {
            guard case .codec(let codec) = error else { return nil }
            return codec
        }
    }

    @Test(arguments: [1, 2, 4, 8, 16], [false, true])
    func takesGreyValuesAsTheyAre(depth: Int, isInterlaced: Bool) throws {
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 2), (3, 5), (5, 3), (8, 8), (13, 17), (33, 4), (300, 2)] {
            let samples = noise(width * height, depth: depth)
            let file = PNGFile(
                width: width, height: height, depth: depth, isInterlaced: isInterlaced, samples: samples)
            for size in chunkSizes {
                let array = try decode(file.bytes, by: size)
                #expect(array.layout?.shape == [1, height, width])
                #expect(array.layout?.elementType.scalar == (depth == 16 ? .uint16 : .uint8))
                #expect(array.values == samples.map(Double.init))
            }
        }
    }

    @Test func takesInterlacedImagesOfEverySmallSize() throws {
        for width in 1...9 {
            for height in 1...9 {
                let samples = noise(width * height, depth: 8)
                let file = PNGFile(width: width, height: height, isInterlaced: true, samples: samples)
                #expect(try decode(file.bytes).values == samples.map(Double.init))
            }
        }
    }

    @Test(arguments: [1, 2, 4, 8])
    func takesIndicesAndNoColoursOfAPalette(depth: Int) throws {
        let samples = noise(7 * 5, depth: depth)
        // The palette need not have every index that the image has: 255 is often the index of ignored pixels.
        let file = PNGFile(
            width: 7, height: 5, depth: depth, colourType: 3, samples: samples, palette: [9, 8, 7, 200, 100, 50],
            extra: [("gAMA", [0, 0, 0xB1, 0x8F])])
        #expect(try decode(file.bytes).values == samples.map(Double.init))
    }

    @Test func passesOverChunksOfAnySizeThatSayNothingOfClasses() throws {
        var file = PNGFile(width: 3, height: 1, samples: [5, 6, 7])
        file.extra = [("tEXt", [UInt8](repeating: 65, count: 100_000)), ("tRNS", [0, 5]), ("iCCP", [1]), ("zzZz", [])]
        for size in chunkSizes { #expect(try decode(file.bytes, by: size).values == [5, 6, 7]) }
    }

    @Test func takesColoursByTheirClasses() throws {
        let colours = ColourClasses([
            .init(red: 0, green: 0, blue: 0): 0, .init(red: 255, green: 0, blue: 10): 1,
            .init(red: 1, green: 2, blue: 3): 300,
        ])
        let opaque = [0, 0, 0, 255, 1, 2, 3, 255, 255, 0, 10, 255, 255, 0, 10, 255]
        for isInterlaced in [false, true] {
            var file = PNGFile(
                width: 2, height: 2, colourType: 2, isInterlaced: isInterlaced,
                samples: [0, 0, 0, 1, 2, 3, 255, 0, 10, 255, 0, 10])
            #expect(try decode(file.bytes, colours: colours).values == [0, 300, 1, 1])
            (file.colourType, file.samples) = (6, opaque)
            #expect(try decode(file.bytes, colours: colours).values == [0, 300, 1, 1])
            file.samples[11] = 254
            #expect(failure(of: file.bytes, colours: colours) == .pngTransparent(row: 1, column: 0))
        }
    }

    @Test func countsThePixelsOfAColourWithoutClass() {
        let colours = ColourClasses([.init(red: 0, green: 0, blue: 0): 0])
        let file = PNGFile(
            width: 2, height: 2, colourType: 2, samples: [0, 0, 0, 1, 2, 3, 255, 0, 10, 1, 2, 3])
        #expect(
            failure(of: file.bytes, colours: colours)
                == .pngUnknownColour(.init(red: 1, green: 2, blue: 3), count: 2, row: 0, column: 1))
    }

    @Test(arguments: [(2, 8, false, false), (2, 16, false, false), (4, 8, true, true), (6, 8, false, true)])
    func refusesPixelsThatAreNoClasses(colourType: Int, depth: Int, isGrey: Bool, hasAlpha: Bool) {
        let file = PNGFile(
            width: 1, height: 1, depth: depth, colourType: colourType, samples: [1, 2, 3, 255])
        let expected = CodecError.pngColours(isGrey: isGrey, hasAlpha: hasAlpha, depth: depth)
        #expect(failure(of: file.bytes) == expected)
        let colours = ColourClasses([.init(red: 1, green: 2, blue: 3): 0])
        let isTaken = depth == 8 && !isGrey
        #expect(failure(of: file.bytes, colours: colours) == (isTaken ? nil : expected))
    }

    @Test func asksTheReceiverBeforeMemoryIsTaken() throws {
        // 4 · 10¹⁸ pixels, in a file without a single one.
        var file = PNGFile(width: 0x7FFF_FFFF, height: 0x7FFF_FFFF, samples: [])
        let huge =
            PNGFile.signature + Array(file.bytes[8..<33]) + file.chunk("IDAT", file.stored([])) + file.chunk("IEND", [])
        #expect(throws: TestFailure.refused("too large")) { try decode(huge, refusal: .refused("too large")) }
        file = PNGFile(width: 2, height: 2, isInterlaced: true, samples: [1, 2, 3, 4])
        #expect(throws: TestFailure.refused("no")) { try decode(file.bytes, refusal: .refused("no")) }
    }

    @Test(arguments: [false, true])
    func refusesAFileThatEndsAnywhere(isInterlaced: Bool) {
        let file = PNGFile(width: 3, height: 3, isInterlaced: isInterlaced, samples: Array(1...9)).bytes
        for count in 0..<file.count {
            #expect(failure(of: Array(file.prefix(count))) == .pngTruncated)
        }
        #expect(failure(of: file + [0]) == .trailingBytes)
    }

    @Test func refusesDamage() {
        let whole = PNGFile(width: 3, height: 2, samples: Array(1...6))
        let file = whole.bytes
        #expect(failure(of: Array("\u{89}PNG\n".utf8)) == .pngSignature(found: [0xC2]))
        // No byte of a file can change without notice: each is in a checksum, in a name, or in a length.
        for index in file.indices {
            var damaged = file
            damaged[index] ^= 0x04
            #expect(failure(of: damaged) != nil)
        }
    }

    @Test func refusesImagesThatAreNotWhatTheirHeadSays() {
        let image = PNGFile(width: 3, height: 2, samples: Array(1...6))
        let head = Array(image.bytes[8..<33])
        func file(_ chunks: [UInt8]...) -> [UInt8] { PNGFile.signature + chunks.flatMap { $0 } }
        func pixels(_ data: [UInt8]) -> [UInt8] { image.chunk("IDAT", image.stored(data)) }
        let end = image.chunk("IEND", [])
        // Too few pixels, none, no zlib stream, a filter that does not exist, no head, two heads, a head of no pixels.
        let wrong = [
            file(head, pixels([0, 1, 2, 3]), end), file(head, end), file(head, image.chunk("IDAT", [1, 2, 3]), end),
            file(head, pixels([9, 1, 2, 3, 0, 4, 5, 6]), end), file(pixels([0, 1, 2, 3, 0, 4, 5, 6]), end),
            file(head, head, pixels([0, 1, 2, 3, 0, 4, 5, 6]), end), PNGFile(width: 0, height: 2, samples: []).bytes,
            PNGFile(width: 3, height: 0, samples: []).bytes,
            PNGFile(width: 1, height: 1, depth: 8, colourType: 3, samples: [0]).bytes,
        ]
        for (index, bytes) in wrong.enumerated() {
            #expect(failure(of: bytes) != nil, "file \(index)")
        }
        var strange = image
        strange.extra = [("ABCD", [])]
        #expect(failure(of: strange.bytes) != nil)
    }

    @Test func neverTrapsOnChangedFiles() {
        var generator = SeededGenerator(state: 3)
        let colours = ColourClasses([.init(red: 1, green: 2, blue: 3): 0])
        for colourType in [0, 2, 3, 6] {
            for isInterlaced in [false, true] {
                let file = PNGFile(
                    width: 9, height: 7, colourType: colourType, isInterlaced: isInterlaced,
                    samples: noise(9 * 7 * 4, depth: 8), palette: colourType == 3 ? [1, 2, 3] : []
                ).bytes
                for _ in 0..<200 { _ = failure(of: file.mutated(by: &generator), colours: colours) }
            }
        }
    }
}
