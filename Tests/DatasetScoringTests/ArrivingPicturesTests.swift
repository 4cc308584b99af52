import Codecs
import HTTPTypes
import Memory
import Scoring
import Testing
import WebService

@testable import DatasetScoring

@Suite struct ArrivingPicturesTests {
    private static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    private static let jpeg: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0]
    private static let webP = Array("RIFF0000WEBP".utf8)

    private static func array(_ bytes: Buffer<UInt8>) -> [UInt8] {
        let bytes = bytes.span
        var array: [UInt8] = []
        for index in 0..<bytes.count { array.append(bytes[index]) }
        return array
    }

    private static func send(_ content: [UInt8], to pictures: ArrivingPictures, by size: Int = .max) throws {
        var rest = content[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(size))
            rest = rest.dropFirst(piece.count)
            try pictures.receiveFile(piece.span)
        }
    }

    private static func files(
        _ contents: [[UInt8]], named names: [String?]? = nil, by size: Int = .max
    ) throws -> ArrivingPictures {
        let pictures = try ArrivingPictures(byteLimit: 1 << 20)
        for (index, content) in contents.enumerated() {
            try pictures.beginFile(named: names?[index])
            try send(content, to: pictures, by: size)
            try pictures.endFile()
        }
        return pictures
    }

    @Test(arguments: [1, 7, 4096, .max]) func keepsFilesAsTheyCome(by size: Int) throws {
        let contents = [png(9), Self.jpeg, Self.webP + [1], png(70_000), png(4088), png(4089)]
        let pictures = try #require(try Self.files(contents, by: size).kept)
        #expect(pictures.form == .files([.png, .jpeg, .webP, .png, .png, .png]))
        #expect(pictures.byteCount == contents.reduce(0) { $0 + $1.count })
        for (index, content) in contents.enumerated() {
            let bytes = Self.array(try pictures.picture(index).bytes)
            #expect(bytes == content)
        }
        #expect(contents.indices.map(pictures.suffix) == [".png", ".jpg", ".webp", ".png", ".png", ".png"])
    }

    private func png(_ count: Int) -> [UInt8] { Self.png + (0..<count).map { UInt8(truncatingIfNeeded: $0) } }

    @Test(
        arguments: [
            [], [0x89], Array("GIF89a".utf8), Array("RIFF0000WAVE0".utf8), [0xFF, 0xD8],
            [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A],
        ] as [[UInt8]])
    func refusesWhatIsNoPicture(content: [UInt8]) throws {
        for size in [1, .max] {
            let problem = try #require(throws: Problem.self) { try Self.files([Self.png, content], by: size) }
            #expect((problem.status, problem.parameter) == (.badRequest, "images"))
            #expect(problem.detail.contains("Part 2"))
        }
    }

    @Test func refusesNoMoreThanItHasToKeepInMind() throws {
        // What begins as no picture does is refused before the rest has come.
        let pictures = try ArrivingPictures(byteLimit: 1 << 20)
        try pictures.beginFile(named: nil)
        #expect(throws: Problem.self) { try Self.send(Array("<!doctype html>".utf8), to: pictures) }
    }

    @Test func hasALimitForAllFilesTogether() throws {
        let half = Self.png + [UInt8](repeating: 0, count: (1 << 19) - 8)
        #expect(try Self.files([half, half]).kept?.byteCount == 1 << 20)
        let problem = try #require(throws: Problem.self) { try Self.files([half, half, Self.jpeg]) }
        #expect((problem.type, problem.limit) == (.jobTooLarge, 1 << 20))
    }

    @Test(arguments: [
        (["a.png", "b/c.JPG", "d"], ["a", "c", "d"]), (["..\\x.tar.gz", "/y.png", ".z"], ["x.tar", "y", ".z"]),
        (["a.png", "a.jpg"], nil), (["a.png", nil], nil), (["", "b"], nil), (["a/", "b"], nil), (["a\u{7}.png"], nil),
        ([], nil),
    ])
    func callsImagesAsFilesAre(files: [String?], names: [String]?) throws {
        #expect(try Self.files(files.map { _ in Self.png }, named: files).names == names)
    }

    private static func pixels(_ shape: [Int], by size: Int = .max) throws -> KeptPictures? {
        let pictures = try ArrivingPictures(byteLimit: 1 << 20)
        let receiver = PictureArrayReceiver(pictures)
        try receiver.begin(try TensorLayout(elementType: ElementType(.uint8), shape: shape), at: 0)
        var rest = (0..<shape.reduce(1, *)).map { UInt8(truncatingIfNeeded: $0) }[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(size))
            rest = rest.dropFirst(piece.count)
            try receiver.receive(piece.span)
        }
        try receiver.end()
        return pictures.kept
    }

    @Test(arguments: [[3, 2, 5], [3, 2, 5, 1], [3, 2, 5, 3]], [1, 7, 10, .max])
    func keepsPixelsImageByImage(shape: [Int], size: Int) throws {
        let kept = try #require(try Self.pixels(shape, by: size))
        #expect(kept.form == .pixels(height: 2, width: 5, channelCount: shape.count == 3 ? 1 : shape[3]))
        let plane = shape[1...].reduce(1, *)
        let found = try #require(kept.buffers).map(Self.array)
        #expect(found == (0..<3).map { image in (0..<plane).map { UInt8(truncatingIfNeeded: image * plane + $0) } })
        let picture = try kept.picture(2)
        #expect(picture.kind == .png && Self.array(picture.bytes).starts(with: Self.png))
        #expect(kept.suffix(2) == ".png")
        try kept.check(LabelShape([3, 2, 5]))
        for other in [[2, 2, 5], [3, 5, 2], [3, 2, 5, 1]] {
            #expect(throws: Problem.self) { try kept.check(LabelShape(other)) }
        }
    }

    @Test(arguments: [
        [], [3], [2, 5], [3, 2, 5, 2], [3, 2, 5, 4], [1, 1, 1, 1, 1], [0, 2, 5], [3, 0, 5, 3], [2, 1 << 10, 1 << 10],
    ])
    func refusesShapes(shape: [Int]) {
        #expect(throws: Problem.self) { try Self.pixels(shape) }
    }

    @Test func takesFilesOrPixels() throws {
        let pictures = try Self.files([Self.png])
        let layout = try TensorLayout(elementType: ElementType(.uint8), shape: [1, 1, 1])
        #expect(throws: Problem.self) { try PictureArrayReceiver(pictures).begin(layout, at: 0) }
    }
}
