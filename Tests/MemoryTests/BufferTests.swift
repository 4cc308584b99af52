import Glibc
import Memory
import Testing

@Suite struct BufferTests {
    @Test(arguments: [0, 1, 7, 100_000]) func startsWithZeros(count: Int) throws {
        let buffer = try Buffer<UInt32>(zeroed: count)
        #expect(buffer.count == count)
        #expect(buffer.byteCount == 4 * count)
        #expect(buffer.span.count == count)
        #expect(buffer.stableBytes.count == 4 * count)
        #expect(buffer.span.indices.allSatisfy { buffer.span[$0] == 0 })
    }

    @Test func copiesWhatItIsGiven() throws {
        var elements = [1.5, -2, .infinity]
        let buffer = try Buffer(elements)
        elements[0] = 9
        #expect(buffer.span.indices.map { buffer.span[$0] } == [1.5, -2, .infinity])
    }

    @Test func copiesNothing() throws {
        let buffer = try Buffer([Double]())
        #expect(buffer.count == 0)
        #expect(buffer.stableBytes.isEmpty)
    }

    @Test func showsThroughAllFacesWhatWasWritten() throws {
        let buffer = try Buffer<UInt16>(zeroed: 3)
        buffer.withMutableSpan { $0[2] = 0x0102 }
        #expect(buffer.span[2] == 0x0102)
        buffer.mutableElements[0] = 0x0304
        #expect(buffer.span[0] == 0x0304)
        #expect(buffer.stableBytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self) == 0x0102)
    }

    @Test func passesOnWhatTheWriterThrowsAndReturns() throws {
        let buffer = try Buffer<UInt8>(zeroed: 1)
        #expect(buffer.withMutableSpan { $0.count } == 1)
        #expect(throws: MemoryError.outOfMemory(byteCount: 5)) {
            try buffer.withMutableSpan { _ throws(MemoryError) in throw .outOfMemory(byteCount: 5) }
        }
    }

    @Test func adoptsMemory() throws {
        let memory = try #require(malloc(8))
        memory.storeBytes(of: 77, as: UInt64.self)
        let buffer = try Buffer<UInt64>(adopting: memory, count: 1)
        #expect(buffer.span[0] == 77)
        #expect(buffer.stableBytes.baseAddress == UnsafeRawPointer(memory))
    }

    @Test func reportsMemoryThatWasNotThereToAdopt() {
        #expect(throws: MemoryError.outOfMemory(byteCount: 24)) { try Buffer<UInt64>(adopting: nil, count: 3) }
    }

    /// Large memory is passed on from one buffer to the next, and what it held is not.
    @Test func startsWithZerosAlsoInMemoryThatWasUsed() throws {
        for count in [1 << 20, (1 << 20) - 4000, 3 << 20] {
            for _ in 0..<4 {
                let buffer = try Buffer<UInt8>(zeroed: count)
                // Some bytes of each line of the cache tell of all.
                let indices = stride(from: 0, to: count, by: 61)
                #expect(indices.allSatisfy { buffer.span[$0] == 0 })
                buffer.withMutableSpan { bytes in
                    for index in indices { bytes[index] = 0xA5 }
                }
            }
        }
    }

    @Test func holdsAnythingWhereNobodyAskedForZeros() throws {
        for count in [0, 10, 1 << 20] {
            let buffer = try Buffer<UInt32>(uninitialized: count)
            buffer.withMutableSpan { elements in
                for index in elements.indices { elements[index] = UInt32(index) }
            }
            #expect(buffer.span.indices.allSatisfy { buffer.span[$0] == UInt32($0) })
        }
    }

    @Test func reportsThatThereIsNoMemory() {
        #expect(throws: MemoryError.outOfMemory(byteCount: 1 << 50)) { try Buffer<UInt8>(zeroed: 1 << 50) }
        #expect(throws: MemoryError.outOfMemory(byteCount: .max)) { try Buffer<UInt8>(uninitialized: .max) }
    }
}
