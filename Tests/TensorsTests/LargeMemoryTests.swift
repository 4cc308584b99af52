import Testing

@testable import Tensors

/// Other tests take and give back memory meanwhile, so sizes here are such as nobody else has.
@Suite struct LargeMemoryTests {
    @Test func passesABlockOnToTheNextOfItsSize() throws {
        let size = 5_242_880 + 3 * LargeMemory.smallest
        let first = try #require(LargeMemory.take(size))
        #expect(first.byteCount >= size && first.isZeroed)
        let start = first.start
        first.giveBack()
        let second = try #require(LargeMemory.take(size - 1000))
        #expect(second.start == start && !second.isZeroed)
        second.giveBack()
    }

    @Test func doesNotWasteALargeBlockOnASmallBuffer() throws {
        let block = try #require(LargeMemory.take(30 << 20))
        let start = block.start
        block.giveBack()
        let small = try #require(LargeMemory.take(7 << 20))
        #expect(small.start != start)
        small.giveBack()
    }

    @Test func keepsNoMoreThanABound() throws {
        let blocks = try (0..<10).map { _ in try #require(LargeMemory.take(11 << 20)) }
        for block in blocks { block.giveBack() }
        let again = try (0..<10).map { _ in try #require(LargeMemory.take(11 << 20)) }
        #expect(again.count { $0.isZeroed } >= 10 - LargeMemory.keptAtMost / (11 << 20))
        for block in again { block.giveBack() }
    }

    @Test func reportsWhatTheSystemDoesNotHave() {
        #expect(LargeMemory.take(1 << 50) == nil)
        #expect(LargeMemory.take(.max) == nil)
    }
}
