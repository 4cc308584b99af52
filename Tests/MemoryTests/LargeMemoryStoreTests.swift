import Testing

@testable import Memory

@Suite struct LargeMemoryStoreTests {
    private let store = LargeMemoryStore(keptAtMost: 10 << 20)

    @Test func passesABlockOnToTheNextOfItsSize() throws {
        let first = try #require(store.take(5_000_000))
        #expect(first.byteCount >= 5_000_000 && first.isZeroed)
        store.giveBack(first)
        let second = try #require(store.take(4_900_000))
        #expect(second.start == first.start && !second.isZeroed)
        store.giveBack(second)
    }

    @Test func prefersTheBlockThatFitsBest() throws {
        let blocks = try [3_000_000, 2_600_000, 2_900_000].map { try #require(store.take($0)) }
        for block in blocks { store.giveBack(block) }
        let found = try #require(store.take(2_550_000))
        #expect(found.start == blocks[1].start)
        store.giveBack(found)
    }

    @Test func makesRoomWhereNothingFits() throws {
        let small = try (0..<2).map { _ in try #require(store.take(3 << 20)) }
        for block in small { store.giveBack(block) }
        let large = try #require(store.take(6 << 20))
        #expect(large.isZeroed)
        let again = try #require(store.take(3 << 20))
        #expect(again.isZeroed)
        large.unmap()
        again.unmap()
    }

    @Test func keepsALargeBlockWhereASmallOneIsTaken() throws {
        let large = try #require(store.take(8 << 20))
        store.giveBack(large)
        let small = try #require(store.take(1 << 20))
        #expect(small.isZeroed)
        let again = try #require(store.take(8 << 20))
        #expect(again.start == large.start)
        small.unmap()
        again.unmap()
    }

    @Test func keepsNoMoreThanItsBound() throws {
        let blocks = try (0..<4).map { _ in try #require(store.take(4 << 20)) }
        for block in blocks { store.giveBack(block) }
        let again = try (0..<4).map { _ in try #require(store.take(4 << 20)) }
        // The two that were given back last.
        #expect(again.map(\.isZeroed) == [false, false, true, true])
        for block in again { block.unmap() }
    }

    @Test func keepsNothingThatIsLargerThanItsBound() throws {
        let block = try #require(store.take(11 << 20))
        store.giveBack(block)
        let again = try #require(store.take(11 << 20))
        #expect(again.isZeroed)
        again.unmap()
    }

    @Test func reportsWhatTheSystemDoesNotHave() {
        #expect(store.take(1 << 50) == nil)
        #expect(store.take(.max) == nil)
    }
}
