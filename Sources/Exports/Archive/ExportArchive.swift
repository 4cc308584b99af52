import Codecs
import Memory
import Threads

/// A zip of the masks of a data set for an annotation tool, made piece by piece.
///
/// Images are asked for one after another, in order, and more than once where a format needs it: first for the masks, and
/// in the end for the pictures. Memory is that of one image with its masks, and of the names of the files. Equal data
/// makes equal bytes.
package struct ExportArchive: ~Copyable, Sendable {
    /// Gives an image. Throws ``ExportError/source(_:)``, or what making the image's buffers throws.
    package typealias Source = @Sendable (_ index: Int, _ demand: ExportDemand) throws(ExportError) -> ExportedImage

    /// An image of which a text is being written.
    private struct Current {
        let image: ExportedImage
        let masks: MaskList?
        var next = 0
    }

    /// About how long pieces are, and how much text is compressed at once, in bytes.
    private static let pieceBytes = 64 << 10

    /// A piece ends early after so many pixels, so that the reader is not left without any for long.
    private static let pixelsOfAPiece = 16 << 20

    private let content: ExportContent
    private let classes: ExportClasses
    private let imageCount: Int
    private let source: Source

    private var zip = ZipWriter()
    private var parts: [ExportPart]
    private var part = 0
    /// The texts of the part, each as far as it is written, and which of them is being written.
    private var texts: [any MaskText] = []
    private var text = 0
    private var hasBegun = false
    private var image = 0
    private var current: Current?
    /// What is not compressed yet.
    private var pending: [UInt8] = []
    private var pixels = 0
    private var isDone = false

    /// - Parameters:
    ///   - content: What the source gives of each image: labels or regions.
    ///   - imageCount: How many images there are.
    package init(
        _ format: ExportFormat, of content: ExportContent, classes: ExportClasses, imageCount: Int,
        options: ExportOptions = ExportOptions(), source: @escaping Source
    ) {
        (self.content, self.classes, self.imageCount, self.source) = (content, classes, imageCount, source)
        parts = format.parts(content, classes, options)
    }

    /// The next bytes, at least one; nil at the end of the archive.
    ///
    /// Nothing can be asked of an archive that has thrown: it breaks off.
    ///
    /// - Throws: What the source throws, ``ExportError/memory(_:)``, ``ExportError/codec(_:)`` or
    ///   ``ExportError/tooManyPixels(width:height:limit:)``.
    package mutating func next() throws(ExportError) -> [UInt8]? {
        DaemonThread.refuse("to write an export")
        guard !isDone else { return nil }
        pixels = 0
        while zip.count < Self.pieceBytes, zip.count == 0 || pixels < Self.pixelsOfAPiece {
            guard part < parts.count else {
                zip.endArchive()
                isDone = true
                break
            }
            try step()
        }
        return zip.take()
    }

    /// Writes a little more of the part.
    private mutating func step() throws(ExportError) {
        switch parts[part] {
        case .text(let path, let text):
            let bytes = Array(text.utf8)
            zip.add(path, bytes.span)
            part += 1
        case .files(let demand, let write):
            guard image < imageCount else { return endPart() }
            if let file = try write(try load(demand)) { zip.add(file.path, file.bytes.span) }
            image += 1
        case .document(let path, let all):
            if !hasBegun {
                try begin(path)
                texts = all
            }
            try stepThroughTexts()
        case .documents(let path, let writer):
            guard current != nil || image < imageCount else { return endPart() }
            if texts.isEmpty { texts = [writer] }
            if current == nil {
                let current = try loadMasks()
                try begin(path(current.image))
                texts[0].begin(current.image, &pending)
                self.current = current
            }
            if try stepThroughMasks() { endDocument() }
        }
    }

    private mutating func begin(_ path: String) throws(ExportError) {
        do throws(CodecError) {
            try zip.beginDeflated(path)
        } catch {
            throw .codec(error)
        }
        hasBegun = true
    }

    private mutating func endDocument() {
        compress()
        zip.endDeflated()
    }

    private mutating func endPart() {
        (part, image, text, texts, hasBegun) = (part + 1, 0, 0, [], false)
    }

    /// Writes a mask, or the ends of texts and images ahead of the next.
    private mutating func stepThroughTexts() throws(ExportError) {
        if current != nil {
            try stepThroughMasks()
            return
        }
        if image == 0 { texts[text].begin(&pending) }
        guard image < imageCount else {
            texts[text].end(&pending)
            (text, image) = (text + 1, 0)
            guard text == texts.count else { return }
            endDocument()
            return endPart()
        }
        let current = try loadMasks()
        texts[text].begin(current.image, &pending)
        self.current = current
    }

    /// Writes the next mask of the current image, or the image's end if there is none.
    ///
    /// - Returns: Whether the image has ended.
    @discardableResult
    private mutating func stepThroughMasks() throws(ExportError) -> Bool {
        guard let current else { preconditionFailure("an image is being written") }
        defer { if pending.count >= Self.pieceBytes { compress() } }
        guard let masks = current.masks, current.next < masks.count else {
            texts[text].end(current.image, &pending)
            self.current = nil
            image += 1
            return true
        }
        try texts[text].add(try masks.mask(current.next), of: current.image, &pending)
        self.current?.next += 1
        return false
    }

    private mutating func compress() {
        // The text moves out and back, so that it keeps its memory.
        var text: [UInt8] = []
        swap(&text, &pending)
        zip.write(text.span)
        text.removeAll(keepingCapacity: true)
        swap(&text, &pending)
    }

    /// The next image, with its masks if the text is about them.
    private mutating func loadMasks() throws(ExportError) -> Current {
        guard let cut = texts[text].cut else { return Current(image: try load([]), masks: nil) }
        let image = try load(.masks)
        return Current(image: image, masks: try MaskList(image, content, classes, cut: cut))
    }

    private mutating func load(_ demand: ExportDemand) throws(ExportError) -> ExportedImage {
        let image = try source(image, demand)
        let (count, overflow) = image.width.multipliedReportingOverflow(by: image.height)
        guard !overflow, count <= BrushRuns.pixelLimit else {
            throw .tooManyPixels(width: image.width, height: image.height, limit: BrushRuns.pixelLimit)
        }
        // To look at an image without its pixels takes some time too.
        pixels += demand.isEmpty ? 1 << 12 : count
        return image
    }
}
