import Codecs
import Foundation
import Memory
import Testing

/// The failure of the tests' receivers.
enum TestFailure: CodecFailure, Equatable {
    case codec(CodecError)
    case refused(String)

    init(_ error: CodecError) {
        self = .codec(error)
    }
}

/// Keeps one array, and checks that its decoder calls in order and brings neither more nor less than the layout says.
final class TensorCollector: ArrayReceiver {
    private(set) var layout: TensorLayout?
    private(set) var offset: Int?
    private(set) var bytes: [UInt8] = []
    private(set) var hasEnded = false
    var refusal: TestFailure?

    func begin(_ layout: TensorLayout, at offset: Int) throws(TestFailure) {
        #expect(self.layout == nil)
        if let refusal { throw refusal }
        self.layout = layout
        self.offset = offset
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(TestFailure) {
        #expect(layout != nil && !hasEnded)
        self.bytes.append(bytes)
    }

    func end() throws(TestFailure) {
        #expect(!hasEnded)
        #expect(bytes.count == layout?.byteCount)
        hasEnded = true
    }

    /// The elements as doubles, in file order.
    var values: [Double] {
        guard let type = layout?.elementType else { return [] }
        return stride(from: 0, to: bytes.count, by: type.scalar.byteCount).map { start in
            let element = bytes[start..<start + type.scalar.byteCount]
            let bits = (type.isByteSwapped ? Array(element) : element.reversed()).reduce(UInt64(0)) {
                $0 << 8 | UInt64($1)
            }
            return switch type.scalar {
            case .bool, .uint8, .uint16, .uint32, .uint64: Double(bits)
            case .int8: Double(Int8(truncatingIfNeeded: bits))
            case .int16: Double(Int16(truncatingIfNeeded: bits))
            case .int32: Double(Int32(truncatingIfNeeded: bits))
            case .int64: Double(Int64(bitPattern: bits))
            case .float16: half(UInt16(bits))
            case .bfloat16: Double(Float(bitPattern: UInt32(bits) << 16))
            case .float32: Double(Float(bitPattern: UInt32(bits)))
            case .float64: Double(bitPattern: bits)
            }
        }
    }

    private func half(_ bits: UInt16) -> Double {
        let fraction = Double(bits & 0x3FF) / 1024
        let exponent = Int(bits >> 10 & 0x1F)
        return exponent == 0 ? scalbn(fraction, -14) : scalbn(1 + fraction, exponent - 15)
    }
}

/// Keeps the entries of an archive, and checks that its decoder calls in order.
final class EntryCollector: EntryReceiver {
    private(set) var names: [String] = []
    private(set) var contents: [String: [UInt8]] = [:]
    private(set) var ended: [String] = []
    private var current: String?

    func begin(entry name: String) throws(TestFailure) {
        #expect(current == nil)
        current = name
        names.append(name)
        contents[name] = []
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(TestFailure) {
        #expect(bytes.count > 0)
        guard let current else { throw .refused("content outside an entry") }
        contents[current, default: []].append(bytes)
    }

    func end(entry name: String) throws(TestFailure) {
        #expect(current == name)
        current = nil
        ended.append(name)
    }

    var byteCount: Int { contents.values.reduce(0) { $0 + $1.count } }
}

extension [UInt8] {
    mutating func append(_ bytes: borrowing Span<UInt8>) {
        for index in bytes.indices { append(bytes[index]) }
    }
}

/// The sizes in which everything is pushed; the last takes any fixture at once.
let chunkSizes = [1, 3, 7, 64, 1 << 30]

/// Passes bytes on in chunks of a size.
func push<Failure: Error>(
    _ bytes: [UInt8], by size: Int = 1 << 30, _ body: (borrowing Span<UInt8>) throws(Failure) -> Void
) throws(Failure) {
    var position = 0
    while position < bytes.count {
        let end = position + min(size, bytes.count - position)
        // A copy of its own, so that a read past the chunk is out of bounds.
        let chunk = Array(bytes[position..<end])
        try body(chunk.span)
        position = end
    }
}

func fixture(_ name: String) throws -> [UInt8] {
    let folder = try #require(Bundle.module.resourceURL).appending(path: "Fixtures")
    return Array(try Data(contentsOf: folder.appending(path: name)))
}

/// Random numbers that are the same every time (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension [UInt8] {
    /// A copy with a few bytes changed, cut or doubled.
    func mutated(by generator: inout SeededGenerator) -> [UInt8] {
        var copy = self
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !copy.isEmpty {
            let place = Int.random(in: copy.indices, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: copy[place] = .random(in: 0...255, using: &generator)
            case 1: copy[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: copy[place] = [0, 0xFF, 0x7F, 0x80].randomElement(using: &generator) ?? 0
            case 3: copy.removeSubrange(place..<Swift.min(place + 3, copy.count))
            default: copy.insert(contentsOf: copy[place..<Swift.min(place + 5, copy.count)], at: place)
            }
        }
        return copy
    }
}
