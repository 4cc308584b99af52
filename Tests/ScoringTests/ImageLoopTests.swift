import Foundation
import Synchronization
import Testing

@testable import Scoring

@Suite struct ImageLoopTests {
    private struct Failed: Error, Equatable {
        let image: Int
    }

    private static let large = 1 << 16

    @Test(arguments: [1, 2, 3, 8]) func doesEachImageOnce(lanes: Int) {
        for (images, pixels) in [(1, 1), (7, Self.large), (64, Self.large), (10_000, 64), (100_000, 1)] {
            let seen = Mutex([Int](repeating: 0, count: images))
            let loop = ImageLoop.threads(lanes)
            let isComplete = loop.run(images, pixelsPerImage: pixels) { image, lane in
                #expect((0..<loop.laneCount(images, pixelsPerImage: pixels)).contains(lane))
                seen.withLock { $0[image] += 1 }
            }
            #expect(isComplete && seen.withLock { $0.allSatisfy { $0 == 1 } }, "\(images) of \(pixels)")
        }
    }

    @Test func wakesNoThreadForLittle() {
        let loop = ImageLoop(lanes: 4) { _, _ in Issue.record("there is little to do") }
        let isComplete = loop.run(100, pixelsPerImage: 64) { _, lane in #expect(lane == 0) }
        #expect(isComplete)
        #expect(loop.laneCount(100, pixelsPerImage: 64) == 1)
        #expect(loop.laneCount(3, pixelsPerImage: Self.large) == 3)
        #expect(loop.laneCount(3000, pixelsPerImage: 64) == 2)
    }

    @Test(arguments: [1, 4]) func tellsOfProgressInOrder(lanes: Int) {
        let told = Mutex<[Int]>([])
        let isComplete = ImageLoop.threads(lanes).run(
            20, pixelsPerImage: Self.large,
            progress: { done in
                told.withLock { $0.append(done) }; return true
            }
        ) { _, _ in }
        #expect(isComplete && told.withLock { $0 } == Array(1...20))
    }

    @Test(arguments: [1, 4]) func endsWhenItIsNotWanted(lanes: Int) {
        let count = Mutex(0)
        let isComplete = ImageLoop.threads(lanes).run(1000, pixelsPerImage: Self.large, progress: { $0 < 5 }) { _, _ in
            count.withLock { $0 += 1 }
        }
        // Each lane may have been at one.
        #expect(!isComplete && (5...5 + lanes).contains(count.withLock { $0 }))
    }

    @Test(arguments: [1, 4]) func throwsTheErrorOfTheFirstImage(lanes: Int) {
        for _ in 0..<50 {
            #expect(throws: Failed(image: 3)) {
                _ = try ImageLoop.threads(lanes).run(40, pixelsPerImage: Self.large) { (image, _) throws(Failed) in
                    if image >= 3 { throw Failed(image: image) }
                }
            }
        }
    }
}

extension ImageLoop {
    /// Lanes that overlap.
    static func threads(_ lanes: Int, pixelsAtOnce: Int = 1 << 16) -> ImageLoop {
        ImageLoop(lanes: lanes, pixelsAtOnce: pixelsAtOnce) { count, lane in
            DispatchQueue.concurrentPerform(iterations: count, execute: lane)
        }
    }
}
