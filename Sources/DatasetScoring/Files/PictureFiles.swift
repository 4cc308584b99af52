import Files
import Memory
import WebService

/// Files of pictures, one for each image.
package struct PictureFiles: Sendable {
    private let directories: DataDirectories
    private let paths: NameList

    init(_ paths: NameList, in directories: DataDirectories) {
        (self.paths, self.directories) = (paths, directories)
    }

    /// Proves that the files are there.
    ///
    /// - Throws: A 400 problem for a path that can be none; 422 for a file that cannot be opened.
    func check() throws(Problem) {
        for path in paths.all { _ = try open(path) }
    }

    /// The picture of an image.
    ///
    /// - Throws: A 404 problem if there is no file for the image; 422 for a file that is no picture, too large, or gone;
    ///   503 if memory is short.
    func picture(_ image: Int) throws(Problem) -> Picture {
        guard paths.all.indices.contains(image) else {
            throw Problem(
                .noImages, "There is no file for image \(image).", parameter: Picture.parameter,
                expected: "a file for each image", actual: "\(paths.all.count) files")
        }
        return try Picture(try open(paths[image]), called: paths[image])
    }

    /// What the name of an image's file ends with; nil if there is no such file.
    func suffix(_ image: Int) -> String? {
        guard paths.all.indices.contains(image), let file = try? open(paths[image]) else { return nil }
        return Picture.suffix(of: file.path)
    }

    private func open(_ path: String) throws(Problem) -> InputFile {
        let (directory, rest) = try directories.find(path, parameter: Picture.parameter)
        do throws(FileError) {
            return try directory.open(rest)
        } catch {
            throw .file(error, path, parameter: Picture.parameter)
        }
    }
}
