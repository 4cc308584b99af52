import Memory

/// The rows of an image as libpng reads them, on their way to a receiver.
final class PNGRows<Receiver: ArrayReceiver>: PNGReader {
    private let receiver: Receiver
    private let colours: ColourClasses?
    private var mapping: ColourMapping?
    /// Counts the two rows that libpng holds.
    private var reservation: ByteReservation?
    /// All rows of an interlaced image.
    private var held: Buffer<UInt8>?
    /// Why the image is not wanted.
    private var failure: Receiver.Failure?

    /// - Throws: ``CodecError/outOfMemory(byteCount:)``.
    init(receiver: Receiver, colours: ColourClasses?) throws(CodecError) {
        self.receiver = receiver
        self.colours = colours
        try super.init()
    }

    /// Reads the next bytes.
    ///
    /// - Throws: What the receiver throws, or an error made from a ``CodecError``.
    func read(_ bytes: borrowing Span<UInt8>) throws(Receiver.Failure) {
        do throws(CodecError) {
            guard try !feed(bytes) else { return }
        } catch {
            throw Receiver.Failure(error)
        }
        guard let failure else { preconditionFailure("an image is unwanted for a reason") }
        throw failure
    }

    /// Hands on what was held until the end.
    ///
    /// - Throws: What the receiver throws, or an error made from a ``CodecError``.
    func finish() throws(Receiver.Failure) {
        guard isComplete else { throw Receiver.Failure(.pngTruncated) }
        if let held { try handOn(held.span) }
        if let unknown = mapping?.unknown { throw Receiver.Failure(unknown) }
        try receiver.end()
    }

    // MARK: - From libpng

    @unsafe
    override var image: UnsafeMutablePointer<UInt8>? { unsafe held?.mutableElements }

    override func take(_ head: Head) -> Bool {
        wanting { () throws(Receiver.Failure) in
            let isColoured = head.channels > 2
            let isMapped = isColoured && head.depth == 8 && colours != nil
            guard isMapped || head.channels == 1 else {
                throw Receiver.Failure(
                    .pngColours(isGrey: !isColoured, hasAlpha: head.channels % 2 == 0, depth: head.depth))
            }
            let type = isMapped ? ColourMapping.elementType : ElementType(head.depth == 16 ? .uint16 : .uint8)
            // The receiver is asked first, since it knows which sizes are too large.
            try receiver.begin(try layout(type, [1, head.height, head.width]), at: 0)
            try hold(head)
            if isMapped, let colours {
                mapping = ColourMapping(colours, channels: head.channels, width: head.width)
            }
        }
    }

    override func take(rows: borrowing Span<UInt8>) -> Bool {
        wanting { () throws(Receiver.Failure) in try handOn(rows) }
    }

    /// Whether the image is wanted, which it no longer is if something is thrown.
    private func wanting(_ body: () throws(Receiver.Failure) -> Void) -> Bool {
        do throws(Receiver.Failure) {
            try body()
            return true
        } catch {
            failure = error
            return false
        }
    }

    /// Takes the memory for the rows that libpng holds, for one row of classes, and for all rows of an interlaced image.
    private func hold(_ head: Head) throws(Receiver.Failure) {
        let pixel = head.channels * (head.depth == 16 ? 2 : 1)
        let row = try layout(ElementType(.uint8), [head.width, pixel]).byteCount
        let all = try layout(ElementType(.uint8), [head.height, row]).byteCount
        do throws(MemoryError) {
            reservation = try ByteReservation(3 * row)
            held = head.isInterlaced ? try Buffer(zeroed: all) : nil
        } catch {
            throw Receiver.Failure(.shape(error))
        }
    }

    private func layout(_ type: ElementType, _ shape: [Int]) throws(Receiver.Failure) -> TensorLayout {
        do throws(MemoryError) {
            return try TensorLayout(elementType: type, shape: shape)
        } catch {
            throw Receiver.Failure(.shape(error))
        }
    }

    private func handOn(_ rows: borrowing Span<UInt8>) throws(Receiver.Failure) {
        guard let size = mapping?.rowSize else { return try receiver.receive(rows) }
        for start in stride(from: 0, to: rows.count, by: size) {
            do throws(CodecError) {
                try mapping?.map(rows.extracting(start..<start + size))
            } catch {
                throw Receiver.Failure(error)
            }
            if let classes = mapping?.classes { try receiver.receive(classes.span) }
        }
    }
}
