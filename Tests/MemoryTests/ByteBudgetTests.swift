import Dispatch
import Testing

@testable import Memory

@Suite struct ByteBudgetTests {
    @Test func givesUpToItsLimit() {
        let budget = ByteBudget(limit: 100)
        #expect(budget.reserve(60) && budget.reserve(40) && !budget.reserve(1))
        #expect(budget.used == 100 && budget.isNearlyUsed)
        budget.release(60)
        #expect(budget.used == 40 && !budget.isNearlyUsed)
        #expect(!budget.reserve(.max) && budget.used == 40)
        budget.limit = 20
        #expect(!budget.reserve(0) && budget.isNearlyUsed, "what is taken stays taken")
    }

    @Test func threadsTakeNoMoreTogether() {
        let budget = ByteBudget(limit: 1000)
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<10_000 where budget.reserve(400) {
                #expect(budget.used <= 1000)
                budget.release(400)
            }
        }
        #expect(budget.used == 0)
    }

    @Test func blocksCountWhileTheyAreInUse() throws {
        let budget = ByteBudget(limit: 8 << 20)
        let store = LargeMemoryStore(keptAtMost: 16 << 20, budget: budget)
        let block = try #require(store.take(5 << 20))
        #expect(budget.used == 5 << 20)
        #expect(store.take(4 << 20) == nil && budget.used == 5 << 20)
        store.giveBack(block)
        #expect(budget.used == 0, "what is kept can be had")
        // A kept block that is larger counts as what it is.
        let again = try #require(store.take(9 << 19))
        #expect(budget.used == again.byteCount && again.byteCount == 5 << 20)
        store.giveBack(again)
        #expect(store.take(1 << 50) == nil && budget.used == 0)
    }
}
