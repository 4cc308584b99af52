"""Invents a piece of land seen from the air, paints it, and keeps the list of the things that are in it."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from geometry import SIZE, Field, Mask, Path, X, Y, bend, blob, box, coverage, frame, noise


class Category(IntEnum):
    """What a pixel can show; the value is the label."""

    GROUND = 0
    ROAD = 1
    HOUSE = 2
    TREE = 3
    CAR = 4
    WATER = 5


@dataclass(frozen=True)
class Thing:
    """One thing of the scene and where it would be seen, were nothing on top of it."""

    category: Category
    mask: Mask


def compose(things: list[Thing]) -> NDArray[np.uint8]:
    """The (SIZE, SIZE) labels of the things, laid on the ground in their order."""
    labels = np.full((SIZE, SIZE), Category.GROUND, np.uint8)
    for thing in things:
        labels[thing.mask] = thing.category
    return labels


ROOFS = [(0.62, 0.33, 0.24), (0.55, 0.27, 0.21), (0.47, 0.46, 0.48), (0.60, 0.52, 0.44), (0.38, 0.38, 0.42)]
PAINTS = [(0.86, 0.86, 0.86), (0.70, 0.12, 0.12), (0.14, 0.27, 0.55), (0.13, 0.13, 0.15), (0.85, 0.72, 0.20)]


@dataclass
class Scene:
    """A scene being drawn.

    `picture` is (SIZE, SIZE, 3) in [0, 1]; `taken` is the distance of each pixel to what is already built or planted.
    """

    rng: np.random.Generator
    picture: NDArray[np.float64] = field(default_factory=lambda: np.zeros((SIZE, SIZE, 3)))
    things: list[Thing] = field(default_factory=list)
    roads: list[tuple[Path, float]] = field(default_factory=list)
    taken: Field = field(default_factory=lambda: np.full((SIZE, SIZE), 1e9))

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Scene":
        """Draws a whole scene: ground, then perhaps water, then roads, houses, trees and cars."""
        scene = cls(rng)
        scene._lay_ground()
        water = rng.random()
        if water < 0.35:
            scene._fill_lake()
        elif water < 0.75:
            scene._dig_river()
        scene._pave_roads()
        for _ in range(rng.integers(4, 9)):
            scene._build_house()
        for _ in range(rng.integers(5, 10)):
            scene._plant_clump()
        for _ in range(rng.integers(3, 7)):
            scene._park_car()
        scene._light()
        return scene

    def pixels(self) -> NDArray[np.uint8]:
        """The picture as 8-bit RGB."""
        return np.rint(255 * np.clip(self.picture, 0, 1)).astype(np.uint8)

    def _paint(self, alpha: Field, colour: tuple[float, float, float], shade: Field | float = 1.0) -> None:
        paint = np.array(colour) * np.broadcast_to(shade, alpha.shape)[..., None]
        self.picture += alpha[..., None] * (paint - self.picture)

    def _shadow(self, distance: Field, softness: float = 2.5, depth: float = 0.5) -> None:
        self.picture *= 1 - depth * coverage(distance, softness)[..., None]

    def _add(self, category: Category, distance: Field) -> None:
        mask = distance < 0
        if mask.any():
            self.things.append(Thing(category, mask))

    def _lay_ground(self) -> None:
        rough = 0.06 * noise(self.rng, 40) + 0.05 * noise(self.rng, 9) + 0.03 * noise(self.rng, 3)
        self._paint(np.ones((SIZE, SIZE)), (0.42, 0.50, 0.27), 1 + rough)
        self._paint(np.clip(0.35 * noise(self.rng, 55), 0, 0.6), (0.55, 0.51, 0.33), 1 + rough)
        if self.rng.random() < 0.6:
            x, y = self.rng.uniform(0, SIZE, 2)
            along, across = frame(x, y, self.rng.uniform(0, np.pi))
            plot = box(along, across, self.rng.uniform(50, 90), self.rng.uniform(40, 60))
            furrows = 1 + 0.07 * np.sin(across * (2 * np.pi / 6)) + rough
            self._paint(0.8 * coverage(plot, 3), (0.56, 0.49, 0.33), furrows)

    def _pour(self, shore: Field) -> None:
        ripple = 1 + 0.05 * noise(self.rng, 6) + 0.03 * np.sin(0.5 * Y + 2 * noise(self.rng, 30))
        self._paint(0.7 * coverage(shore - 4, 4), (0.63, 0.58, 0.43), 1 + 0.04 * noise(self.rng, 4))
        self._paint(coverage(shore), (0.24, 0.40, 0.46), ripple)
        self._paint(0.8 * np.clip(-shore / 22, 0, 1), (0.10, 0.24, 0.36), ripple)
        self._add(Category.WATER, shore)
        self.taken = np.minimum(self.taken, shore)

    def _fill_lake(self) -> None:
        x, y = self.rng.choice([50.0, 206.0], 2) + self.rng.uniform(-15, 15, 2)
        lobes = np.stack([[0.16, 0.10, 0.06], self.rng.uniform(0, 2 * np.pi, 3)], axis=1)
        self._pour(blob(x, y, self.rng.uniform(42, 58), lobes))

    def _dig_river(self) -> None:
        path = self._crossing(self.rng.uniform(0, 2 * np.pi), pull=90)
        self._pour(path.distance - self.rng.uniform(13, 20) - 2.5 * noise(self.rng, 35))

    def _crossing(self, angle: float, pull: float) -> Path:
        """A bent path from one side to the other, roughly in a direction and roughly through the middle."""
        centre = SIZE / 2 + self.rng.uniform(-35, 35, 2)
        way = 230 * np.array([np.cos(angle), np.sin(angle)])
        middle = centre + self.rng.uniform(-pull, pull, 2)
        return Path.through(bend(centre - way, middle, centre + way))

    def _pave_roads(self) -> None:
        angle = self.rng.uniform(0, np.pi)
        for turn in [0, np.pi / 2][: self.rng.integers(1, 3)]:
            path, half = self._crossing(angle + turn + self.rng.uniform(-0.3, 0.3), pull=45), self.rng.uniform(9, 12)
            self.roads.append((path, half))
        wear = 1 + 0.05 * noise(self.rng, 12) + 0.04 * noise(self.rng, 2.5)
        tarmac = np.min([path.distance - half for path, half in self.roads], axis=0)
        self._paint(0.6 * coverage(tarmac - 2, 3), (0.60, 0.56, 0.47), wear)
        self._paint(coverage(tarmac), (0.45, 0.45, 0.46), wear)
        self._paint(0.5 * coverage(np.abs(tarmac + 1.8) - 0.5), (0.82, 0.82, 0.80))
        junction = np.sum([path.distance < half + 2 for path, half in self.roads], axis=0) > 1
        for path, _ in self.roads:
            dash = coverage(path.distance - 0.7) * (path.along % 14 < 7) * ~junction
            self._paint(0.8 * dash, (0.88, 0.87, 0.80))
        self._paint(coverage(tarmac + 2.4) * junction, (0.45, 0.45, 0.46), wear)
        self._add(Category.ROAD, tarmac)
        self.taken = np.minimum(self.taken, tarmac)

    def _build_house(self) -> None:
        for _ in range(60):
            path, half = self.roads[self.rng.integers(len(self.roads))]
            length, width = self.rng.uniform(15, 24), self.rng.uniform(10, 14)
            x, y, angle = path.at(self.rng.uniform(0.12, 0.88))
            away = self.rng.choice([-1, 1]) * (half + width + self.rng.uniform(5, 34))
            x, y, angle = x - away * np.sin(angle), y + away * np.cos(angle), angle + self.rng.normal(0, 0.06)
            walls = box(*frame(x, y, angle), length, width)
            if 14 < x < SIZE - 14 and 14 < y < SIZE - 14 and self.taken[walls < 4].min() > 0:
                break
        else:
            return
        along, across = frame(x, y, angle)
        self._shadow(box(*frame(x, y, angle, shift=5), length, width))
        towards_light = np.cos(angle) - np.sin(angle)
        slope = np.tanh(3 * across) * (0.17 if towards_light < 0 else -0.17)
        tiles = 1 + 0.04 * np.sin(across * 2.1) + 0.03 * noise(self.rng, 3) + 0.04 * noise(self.rng, 10)
        self._paint(coverage(walls), ROOFS[self.rng.integers(len(ROOFS))], tiles + slope)
        self._paint(0.45 * coverage(np.abs(across) - 0.4) * coverage(walls), (0.90, 0.85, 0.80))
        self._paint(0.35 * coverage(np.abs(walls + 0.8) - 0.4), (0.15, 0.12, 0.12))
        chimney = self.rng.uniform(-0.5, 0.5) * length, 0.45 * width
        self._shadow(box(along - chimney[0] - 1.5, across - chimney[1] - 1.5, 2.2, 2.2), 1.5)
        self._paint(coverage(box(along - chimney[0], across - chimney[1], 1.8, 1.8)), (0.70, 0.62, 0.58))
        self._add(Category.HOUSE, walls)
        self.taken = np.minimum(self.taken, walls)

    def _plant_clump(self) -> None:
        heart, crowns, clump = self.rng.uniform(8, SIZE - 8, 2), [], np.full((SIZE, SIZE), 1e9)
        for _ in range(self.rng.integers(2, 8)):
            x, y = heart + self.rng.normal(0, 15, 2)
            radius = self.rng.uniform(6.5, 12)
            lobes = np.stack([[0.03, 0.05, 0.05, 0.04, 0.03], self.rng.uniform(0, 2 * np.pi, 5)], axis=1)
            crown = blob(x, y, radius, lobes)
            if (crown < 0).any() and self.taken[crown < 0].min() > -1:
                crowns.append((x, y, radius, lobes, crown))
                clump = np.minimum(clump, crown)
        for x, y, radius, lobes, _ in crowns:
            self._shadow(blob(x, y, radius, lobes, shift=4), 4, 0.45)
        for x, y, radius, _, crown in crowns:
            lit = 0.85 - 0.35 * (X - x + Y - y) / (1.4 * radius)
            leaves = lit + 0.10 * noise(self.rng, 3) + 0.05 * noise(self.rng, 6)
            hue = self.rng.uniform(-0.03, 0.03)
            self._paint(coverage(crown, 1.6), (0.20 + hue, 0.35, 0.16 - hue), np.clip(leaves, 0.35, 1.6))
        if crowns:
            self._add(Category.TREE, clump)
            self.taken = np.minimum(self.taken, clump)

    def _park_car(self) -> None:
        for _ in range(40):
            path, half = self.roads[self.rng.integers(len(self.roads))]
            x, y, angle = path.at(self.rng.uniform(0.2, 0.8))
            lane = self.rng.choice([-1, 1]) * 0.48 * half
            x, y = x - lane * np.sin(angle), y + lane * np.cos(angle)
            along, across = frame(x, y, angle if lane > 0 else angle + np.pi)
            body = box(along, across, self.rng.uniform(6.5, 8.5), self.rng.uniform(3.2, 3.9), 1.8)
            others = [thing.mask for thing in self.things if thing.category == Category.CAR]
            if 8 < x < SIZE - 8 and 8 < y < SIZE - 8 and not any(mask[body < 3].any() for mask in others):
                break
        else:
            return
        self._shadow(np.roll(body, (2, 2), (0, 1)), 2)
        self._paint(coverage(body), PAINTS[self.rng.integers(len(PAINTS))], 1 - 0.03 * across)
        self._paint(coverage(box(along - 2.2, across, 1.1, 2.6, 0.5)), (0.10, 0.12, 0.15))
        self._paint(coverage(box(along + 4.4, across, 0.7, 2.4, 0.4)), (0.10, 0.12, 0.15))
        self._add(Category.CAR, body)

    def _light(self) -> None:
        clouds = 1 + 0.05 * noise(self.rng, 90)
        grain = 0.010 * self.rng.standard_normal((SIZE, SIZE))
        warm = np.array([1.06, 1.03, 0.96])
        self.picture = np.clip(self.picture * clouds[..., None] * warm + grain[..., None], 0, 1) ** 0.88
