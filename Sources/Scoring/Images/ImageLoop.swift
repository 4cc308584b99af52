import Synchronization

/// Goes over images, on several lanes at once if there are processors for them.
///
/// A lane takes the next images when it is done with some. This module starts no threads: its caller says how lanes are
/// run. Results depend neither on the number of lanes nor on which lane takes which images.
package struct ImageLoop: Sendable {
    /// Calls its second argument with each lane below its first, at once or one after another, and returns when all
    /// calls have returned.
    package typealias Perform = @Sendable (_ lanes: Int, _ lane: @Sendable (Int) -> Void) -> Void

    private let lanes: Int
    private let pixelsAtOnce: Int
    private let perform: Perform

    /// - Parameters:
    ///   - lanes: The largest number of lanes, at least 1.
    ///   - pixelsAtOnce: How many pixels, at least 1, are worth a thread's waking up and the taking of a lock.
    package init(lanes: Int, pixelsAtOnce: Int = 1 << 16, perform: @escaping Perform) {
        precondition(lanes >= 1 && pixelsAtOnce >= 1)
        self.lanes = lanes
        self.pixelsAtOnce = pixelsAtOnce
        self.perform = perform
    }

    /// A loop of one lane, on the caller's thread.
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
    ///   - pixelsPerImage: The mean number of pixels of an image, at least 1.
    ///   - progress: Called with the number of images done, by one lane at a time and in ascending order: after each
    ///     image if there is one lane, else after some images; `false` ends the loop.
    ///   - body: Called with an image and the lane that does it, below ``laneCount(_:pixelsPerImage:)``. Calls of
    ///     different lanes overlap; calls of one lane do not.
    /// - Returns: Whether all images were done.
    /// - Throws: The error that `body` throws; of several errors that of the first image.
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

        /// Takes the next images. They are taken in order, so that if one fails, all before it have been taken, and an
        /// earlier failure is heard of too.
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
