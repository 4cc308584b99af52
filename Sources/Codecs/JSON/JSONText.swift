import CSimdJSON
import Glibc
import Memory
import Threads

/// A JSON text, gathered as it arrives and decoded at its end.
///
/// The text must hold one object. The digits of arrays are read into doubles without a tree between: a nested list
/// becomes an array of float64, with 1 and 0 for booleans, and a list that is not rectangular is an error.
///
/// The memory is that of the text, half as much again while the text grows, and that of the parser's places and of the
/// arrays. How much the latter two need is found by looking through the text, and taken from the budget before the text
/// is parsed.
///
/// - SeeAlso: RFC 8259.
@safe
package final class JSONText {
    private let byteLimit: Int
    private var text: UnsafeMutablePointer<CChar>?
    private var capacity = 0
    private var count = 0

    /// - Parameter byteLimit: The size that the text may have.
    package init(byteLimit: Int) {
        // Half of the largest number is a limit that no text reaches, and sums with it do not overflow.
        self.byteLimit = min(byteLimit, .max / 2)
    }

    deinit {
        release()
    }

    /// Frees the text.
    private func release() {
        unsafe free(text)
        unsafe text = nil
        ByteBudget.memory.release(capacity)
        (capacity, count) = (0, 0)
    }

    /// Takes the next bytes of the text.
    ///
    /// - Throws: ``CodecError/tooLarge(limit:)`` or ``CodecError/outOfMemory(byteCount:)``.
    package func append(_ bytes: borrowing Span<UInt8>) throws(CodecError) {
        guard bytes.count <= byteLimit - count else { throw .tooLarge(limit: byteLimit) }
        try reserve(count + bytes.count)
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let text = unsafe text, let start = source.baseAddress else { return }
            unsafe memcpy(text + count, start, source.count)
        }
        count += bytes.count
    }

    /// Decodes the text; once, when all of it has come.
    ///
    /// The receiver is handed the plain members first and then the arrays, each in order, since a parameter that tells
    /// what becomes of an array may stand behind the array. What was handed over counts only if the call does not
    /// throw.
    ///
    /// - Throws: What the receiver throws, or made from a ``CodecError``: `json…`, ``CodecError/shape(_:)``,
    ///   ``CodecError/tooLarge(limit:)`` for a text that the parser cannot index,
    ///   ``CodecError/outOfMemory(byteCount:)``.
    package func decode<Receiver: JSONReceiver>(into receiver: Receiver) throws(Receiver.Failure) {
        DaemonThread.refuse("to parse JSON")
        do {
            try reserve(count)
        } catch {
            throw Receiver.Failure(error)
        }
        guard let text = unsafe text else { return }
        // The parser reads some way past the end of the text; there it should always find the same.
        unsafe memset(text + count, 0, capacity - count)
        let measure = unsafe segscore_json_measure_text(text, count)
        let parserMemory: ByteReservation
        let numbers: ByteReservation
        do throws(CodecError) {
            parserMemory = try Self.reserve(Self.parserBytes(measure))
            numbers = try Self.reserve(measure.scalars * MemoryLayout<Double>.stride)
        } catch {
            throw Receiver.Failure(error)
        }
        defer { withExtendedLifetime(numbers) {} }
        // In reverse order, so that each array can be taken off the end, and is freed as soon as it was delivered.
        var arrays = try Array(unsafe parse(text, upTo: measure.scalars, into: receiver).reversed())
        // Neither the parser nor the text is needed while the arrays are delivered.
        _ = consume parserMemory
        release()
        while let (layout, elements, array) = arrays.popLast() {
            try deliver(layout, elements, to: array)
        }
    }

    /// The memory that parsing takes: the parser's places, the strings without their escapes, and each string as one of
    /// Swift's.
    private static func parserBytes(_ measure: segscore_json_measure) -> Int {
        (64 << 10) + 4 * measure.places + 3 * measure.string_bytes + 128 * measure.strings
    }

    private static func reserve(_ byteCount: Int) throws(CodecError) -> ByteReservation {
        do throws(MemoryError) {
            return try ByteReservation(byteCount)
        } catch {
            throw .outOfMemory(byteCount: byteCount)
        }
    }

    /// Hands on the plain members.
    ///
    /// - Returns: The arrays, each with its receiver.
    @unsafe
    private func parse<Receiver: JSONReceiver>(
        _ text: UnsafeMutablePointer<CChar>, upTo numberLimit: Int, into receiver: Receiver
    ) throws(Receiver.Failure) -> [(TensorLayout, Buffer<Double>, any ArrayReceiver<Receiver.Failure>)] {
        let parser: JSONParser
        do {
            parser = try unsafe JSONParser(text: text, count: count, capacity: capacity)
        } catch {
            throw Receiver.Failure(error)
        }
        var names: Set<String> = []
        var arrays: [(TensorLayout, Buffer<Double>, any ArrayReceiver<Receiver.Failure>)] = []
        var numbersLeft = numberLimit
        while let name = try wrap(Receiver.Failure.self, { () throws(CodecError) in try parser.nextName() }) {
            guard names.insert(name).inserted else { throw Receiver.Failure(.jsonRepeated(name: name)) }
            if !parser.isObject, let array = try receiver.receiver(forArray: name) {
                let (layout, elements) = try wrap(Receiver.Failure.self) { () throws(CodecError) in
                    try parser.readArray(of: name, limit: numbersLeft)
                }
                numbersLeft -= elements.count
                arrays.append((layout, elements, array))
            } else {
                let value = try wrap(Receiver.Failure.self) { () throws(CodecError) in
                    try parser.readValue(of: name)
                }
                try receiver.member(name, value)
            }
        }
        return arrays
    }

    private func deliver<Failure: CodecFailure>(
        _ layout: TensorLayout, _ elements: Buffer<Double>, to receiver: any ArrayReceiver<Failure>
    ) throws(Failure) {
        try receiver.begin(layout, at: 0)
        let bytes = unsafe elements.stableBytes.bindMemory(to: UInt8.self)
        if elements.count > 0 { try receiver.receive(unsafe bytes.span) }
        withExtendedLifetime(elements) {}
        try receiver.end()
    }

    private func wrap<Failure: CodecFailure, Result>(
        _: Failure.Type, _ body: () throws(CodecError) -> Result
    ) throws(Failure) -> Result {
        do {
            return try body()
        } catch {
            throw Failure(error)
        }
    }

    /// Makes room for so many bytes of text and the parser's padding.
    private func reserve(_ textCount: Int) throws(CodecError) {
        let needed = textCount + segscore_json_padding()
        guard needed > capacity else { return }
        let larger = max(needed, min(capacity + capacity / 2, byteLimit + segscore_json_padding()))
        guard ByteBudget.memory.reserve(larger - capacity) else { throw .outOfMemory(byteCount: larger) }
        guard let grown = unsafe realloc(text, larger) else {
            ByteBudget.memory.release(larger - capacity)
            throw .outOfMemory(byteCount: larger)
        }
        unsafe text = grown.assumingMemoryBound(to: CChar.self)
        capacity = larger
    }
}
