package import WebService

/// The pictures of a job's images, for people to look at.
package enum JobPictures: Sendable {
    /// Files of a folder.
    case folder(PictureFolder)
    /// Files that the request names.
    case files(PictureFiles)
    /// Pictures that came with the images of each body, of which some may have had none.
    case kept([(images: Range<Int>, pictures: KeptPictures?)])

    /// Pictures that came with bodies.
    ///
    /// - Parameters:
    ///   - pictures: Those of each body.
    ///   - imageCounts: The number of images of each body.
    package init(_ pictures: [KeptPictures?], imageCounts: [Int]) {
        var first = 0
        self = .kept(
            zip(pictures, imageCounts).map { pictures, count in
                defer { first += count }
                return (first..<first + count, pictures)
            })
    }

    /// Proves that what a request names is there.
    ///
    /// - Throws: A 400 or 422 problem if it is not.
    package func check() throws(Problem) {
        switch self {
        case .folder(let folder): try folder.check()
        case .files(let files): try files.check()
        case .kept: break
        }
    }

    /// The picture of an image.
    ///
    /// - Parameters:
    ///   - name: What the image is called; nil if images have no names.
    ///   - image: The index of the image.
    /// - Throws: A 404 problem if the image has none; 422 for a file of a folder that is no picture or too large; 500 if
    ///   a picture is not what was kept; 503 if memory is short.
    package func picture(named name: String?, image: Int) throws(Problem) -> Picture {
        switch self {
        case .folder(let folder): return try folder.picture(named: name, image: image)
        case .files(let files): return try files.picture(image)
        case .kept(let parts):
            guard let (pictures, index) = Self.find(image, in: parts) else {
                throw Problem(
                    .noImages, "The image \(image) came without a picture.", expected: "an image that came with one")
            }
            return try pictures.picture(index)
        }
    }

    /// What is behind an image's name in the name of its picture's file, such as `.jpg`; nil if there is no picture.
    package func suffix(named name: String?, image: Int) -> String? {
        switch self {
        case .folder(let folder): folder.suffix(named: name, image: image)
        case .files(let files): files.suffix(image)
        case .kept(let parts): Self.find(image, in: parts).map { pictures, index in pictures.suffix(index) }
        }
    }

    /// The pictures of the body that an image came in, and the place of the image among those of the body.
    private static func find(
        _ image: Int, in parts: [(images: Range<Int>, pictures: KeptPictures?)]
    ) -> (KeptPictures, Int)? {
        // Images are numbered from one body on to the next.
        var (low, high) = (0, parts.count)
        while low < high {
            let middle = (low + high) / 2
            if parts[middle].images.upperBound <= image { low = middle + 1 } else { high = middle }
        }
        guard low < parts.count, let pictures = parts[low].pictures else { return nil }
        return (pictures, image - parts[low].images.lowerBound)
    }
}
