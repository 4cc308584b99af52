import Synchronization

/// Goes over images, on several lanes at once where there are processors for them.
///
/// A lane takes the next images when it is done with some. Threads are not this module's business: whoever has them says how
/// lanes are run. Results do not depend on how many there are, nor on which takes what.
package struct ImageLoop: Sendable {
    /// Calls its second argument with each lane below its first, at once or one after another, and returns when all calls
    /// have returned.
    package typealias Perform = @Sendable (_ lanes: Int, _ lane: @Sendable (Int) -> Void) -> Void

    private let lanes: Int
    private let pixelsAtOnce: Int
    private let perform: Perform

    /// - Parameters:
    ///   - lanes: How many there are at most, at least 1.
    ///   - pixelsAtOnce: So many pixels, at least 1, are worth a thread's waking up and the taking of a lock.
    package init(lanes: Int, pixelsAtOnce: Int = 1 << 16, perform: @escaping Perform) {
        precondition(lanes >= 1 && pixelsAtOnce >= 1)
        self.lanes = lanes
        self.pixelsAtOnce = pixelsAtOnce
        self.perform = perform
    }

    /// One lane, the caller's thread.
    package static let serial = ImageLoop(lanes: 1) { lanes, body in
        for lane in 0..<lanes { body(lane) }
    }

    /// How many lanes take part for so many images.
    func laneCount(_ images: Int, pixelsPerImage: Int) -> Int {
        let shares = images / imagesAtOnce(pixelsPerImage)
        return max(1, min(lanes, shares))
    }

    private func imagesAtOnce(_ pixelsPerImage: Int) -> Int {
        max(1, pixelsAtOnce / pixelsPerImage)
    }

    /// Calls `body` for each image.
    ///
    /// - Parameters:
    ///   - pixelsPerImage: What there is to do for one, at least 1.
    ///   - progress: Called with the number of images done, by one lane at a time and in order: on one lane after each image,
    ///     on several after some; `false` ends the loop.
    ///   - body: Called with an image and the lane that does it, below ``laneCount(_:pixelsPerImage:)``. On several lanes calls
    ///     overlap, but not those of one lane.
    /// - Returns: Whether all images were done.
    /// - Throws: What `body` throws; of several errors that of the first image.
    func run<Failure: Error>(
        _ images: Int, pixelsPerImage: Int, progress: @Sendable (Int) -> Bool = { _ in true },
        _ body: @Sendable (_ image: Int, _ lane: Int) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        let lanes = laneCount(images, pixelsPerImage: pixelsPerImage)
        guard lanes > 1 else {
            for image in 0..<images {
                try body(image, 0)
                guard progress(image + 1) else { return false }
            }
            return true
        }
        let state = Mutex(State<Failure>(images: images, atOnce: imagesAtOnce(pixelsPerImage)))
        perform(lanes) { lane in
            while let share = state.withLock({ $0.next() }) {
                for image in share {
                    do throws(Failure) {
                        try body(image, lane)
                    } catch {
                        state.withLock { $0.fail(at: image, error) }
                        return
                    }
                }
                state.withLock { $0.finish(share.count, progress) }
            }
        }
        return try state.withLock { (state) throws(Failure) in
            if let failure = state.failure { throw failure.error }
            return state.isComplete
        }
    }
}

extension ImageLoop {
    private struct State<Failure: Error> {
        let images: Int
        let atOnce: Int
        private var taken = 0
        private(set) var done = 0
        private var isEnded = false
        var isComplete: Bool { done == images && !isEnded }
        private(set) var failure: (image: Int, error: Failure)?

        init(images: Int, atOnce: Int) {
            self.images = images
            self.atOnce = atOnce
        }

        /// Images are taken in order, so that when one fails all before it have been taken, and an earlier failure is
        /// heard of too.
        mutating func next() -> Range<Int>? {
            guard !isEnded, taken < images else { return nil }
            let start = taken
            taken = min(taken + atOnce, images)
            return start..<taken
        }

        mutating func finish(_ count: Int, _ progress: (Int) -> Bool) {
            done += count
            if !isEnded, !progress(done) { isEnded = true }
        }

        mutating func fail(at image: Int, _ error: Failure) {
            isEnded = true
            if image < failure?.image ?? .max { failure = (image, error) }
        }
    }
}
