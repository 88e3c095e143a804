
from pathlib import Path
from model.checkpoint import read_checkpoint
from model.msroi import MSROI
def load_old(path):
    cfg,state,_=read_checkpoint(Path(path)); state={k:v.float() for k,v in state.items()}
    n=MSROI(cfg); keep={k:v for k,v in state.items() if not k.startswith('classes.')}
    r=n.load_state_dict(keep,strict=False); assert not r.unexpected_keys and all(k.startswith(('classes','context','refine_context')) for k in r.missing_keys),r
    return n.eval(),state,cfg
