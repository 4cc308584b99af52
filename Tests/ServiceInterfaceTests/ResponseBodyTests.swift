import Memory
import ServiceInterface
import Testing

@Suite struct ResponseBodyTests {
    private func bytes(_ body: ResponseBody) -> [UInt8] {
        body.segments.flatMap { segment in
            segment.owner.stableBytes[segment.range].map { $0 }
        }
    }

    /// Four segments, of which one is a part of its owner; bytes 0, 1, 2, …
    private func body() throws -> ResponseBody {
        var body = ResponseBody()
        body.append(try Buffer<UInt8>([0, 1, 2]))
        body.append(try Buffer<UInt8>([9, 9, 3, 4, 9]), 2..<4)
        body.append(try Buffer<UInt16>([0x0605, 0x0807]))
        body.append(try Buffer<UInt8>([9]))
        return body
    }

    @Test func hasNoBytesAtFirst() {
        #expect(ResponseBody().byteCount == 0)
        #expect(ResponseBody().segments.isEmpty)
        #expect(ResponseBody().slice(0..<0).segments.isEmpty)
    }

    @Test func holdsItsSegmentsInOrder() throws {
        #expect(try bytes(body()) == Array(0..<10))
        #expect(try body().byteCount == 10)
    }

    @Test func leavesOutEmptySegments() throws {
        var body = ResponseBody()
        body.append(try Buffer<UInt8>([]))
        body.append(try Buffer<UInt8>([1, 2]), 2..<2)
        #expect(body.segments.isEmpty)
    }

    @Test func slicesBetweenAnyTwoOffsets() throws {
        let body = try body()
        for start in 0...10 {
            for end in start...10 {
                let slice = body.slice(start..<end)
                #expect(bytes(slice) == (start..<end).map { UInt8($0) })
                #expect(slice.byteCount == end - start)
                #expect(slice.segments.allSatisfy { !$0.range.isEmpty })
            }
        }
    }

    @Test func slicesASlice() throws {
        let slice = try body().slice(1..<9)
        for start in 0...8 {
            for end in start...8 { #expect(bytes(slice.slice(start..<end)) == (start..<end).map { UInt8($0 + 1) }) }
        }
    }

    @Test func endsASliceWhereTheBodyEnds() throws {
        #expect(try bytes(body().slice(8..<100)) == [8, 9])
        #expect(try body().slice(10..<11).segments.isEmpty)
        #expect(try body().slice(50..<Int.max).segments.isEmpty)
    }

    @Test func keepsTheOwnersOfItsBytes() throws {
        weak var owner: Buffer<UInt8>?
        var slice: ResponseBody?
        do {
            let buffer = try Buffer<UInt8>([1, 2, 3])
            var body = ResponseBody()
            body.append(buffer)
            slice = body.slice(1..<2)
            owner = buffer
        }
        #expect(owner != nil)
        #expect(slice.map(bytes) == [2])
        slice = nil
        #expect(owner == nil)
    }
}
