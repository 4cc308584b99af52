/// How far a job has come, counted in images.
package struct JobProgress: Sendable, Equatable {
    package var imagesDone: Int
    /// Nil while nobody knows.
    package var imagesTotal: Int?

    package init(imagesDone: Int = 0, imagesTotal: Int? = nil) {
        self.imagesDone = imagesDone
        self.imagesTotal = imagesTotal
    }

    /// The share that is done, in `[0, 1]`; 0 while the total is unknown or zero.
    package var fraction: Double {
        guard let imagesTotal, imagesTotal > 0 else { return 0 }
        return min(max(Double(imagesDone) / Double(imagesTotal), 0), 1)
    }
}
