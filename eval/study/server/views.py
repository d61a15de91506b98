"""Work out what each page of an agent is given: words, addresses and counts, from the store's task."""

from typing import Any

from eval.study.progress import progress as progress_of
from eval.study.server import words
from eval.study.store import Opened, Store, Task
from plume.page import Table
from plume.page.numbers import count
from plume.page.render import typography


def block(task: Task) -> str:
    """Name the block that a task is in: its arm, or what is compared."""
    if task.kind != "writing":
        return task.kind
    return "blank" if task.draft is None else "draft"


def onward(link: str, after: str) -> str:
    """Give the address of what follows a block's task; another block is announced there."""
    return f"/a/{link}/suite" + (f"?partie={after}" if after in words.BLOCKS else "")


def welcome(store: Store, agent: str, link: str) -> dict[str, Any]:
    decided = store.preregistration
    work = {
        "writings": len(store.items),
        "drafts": store.comparisons,
        "finals": decided.finals,
    }
    return {
        "title": "Bienvenue",
        "work": work,
        "idle_seconds": decided.idle_seconds,
        "agent": agent,
        "action": f"/a/{link}/accord",
    }


def announcement(task: Task, link: str) -> dict[str, Any]:
    announced = words.BLOCKS[block(task)]
    done = task.number - 1
    return {
        "title": announced["title"],
        "what": announced["what"],
        "how": announced["how"],
        "done": f"{count(done, 'avis')} sur {task.total} déjà faits." if done else "",
        "go": onward(link, block(task)),
        "home": f"/a/{link}",
    }


def writing(store: Store, task: Task, link: str) -> dict[str, Any]:
    addresses = _addresses(task, link)
    return {
        "title": f"Avis {task.number} sur {task.total} : votre réponse",
        "task": f"{link} {task.id}",
        "item": task.item,
        "draft": task.draft,
        "idle_seconds": store.preregistration.idle_seconds,
        "urls": addresses,
        "say": {key: typography(said) for key, said in words.SAY.items()},
        "problems": words.PROBLEMS,
        "block": block(task),
        "home": f"/a/{link}",
    }


def comparison(opened: Opened, link: str) -> dict[str, Any]:
    task = opened.task
    drafts = task.kind == "drafts"
    return {
        "title": f"Comparaison {task.number} sur {task.total}",
        "item": task.item,
        "left": task.left,
        "right": task.right,
        "texts": "Les deux brouillons" if drafts else "Les deux réponses",
        "question": "Lequel prendriez-vous pour répondre ?" if drafts else "Laquelle publieriez-vous ?",
        "labels": ("Premier brouillon", "Second brouillon") if drafts else ("Première réponse", "Seconde réponse"),
        "choices": words.CHOICES[task.kind],
        "reasons": words.REASONS,
        "problems": words.PROBLEMS,
        "tab": opened.tab,
        "block": block(task),
        "urls": _addresses(task, link),
        "home": f"/a/{link}",
    }


def _addresses(task: Task, link: str) -> dict[str, str]:
    here = f"/a/{link}/taches/{task.id}"
    return {
        "claim": f"{here}/onglet",
        "save": f"{here}/texte",
        "send": f"{here}/envoi?partie={block(task)}",
        "rate": f"{here}/choix",
        "problem": f"{here}/probleme",
    }


def progress(store: Store, agent: str, link: str) -> dict[str, Any]:
    todo = store.next_task(agent)
    said = {
        "done": "Tout est fait. Merci ! Vous pouvez fermer cette page.",
        "wait": "Vous avez fait tout ce qui est prêt. Des réponses à comparer arriveront quand vos collègues auront "
        "écrit les leurs : revenez par le même lien dans quelques heures ou demain.",
    }
    mine = next(p for p in progress_of(store.db) if p.agent == agent)
    done = {"Réponses écrites": f"{mine.written} sur {mine.to_write}"}
    done |= {"Brouillons comparés": str(mine.compared), "Réponses comparées": str(mine.rated)}
    done |= {"Avis mis de côté": str(mine.skipped)} if mine.skipped else {}
    given = {
        "title": "Où vous en êtes",
        "leave": f"/a/{link}/depart",
        "words": said[todo] if isinstance(todo, str) else f"La suite : {words.BLOCKS[block(todo)]['title'].lower()}.",
        "done": Table("Ce que vous avez fait", ["Tâche", "Fait"], [list(row) for row in done.items()]),
    }
    return given | ({} if isinstance(todo, str) else {"go": f"/a/{link}/suite"})
