import sys; sys.path.insert(0,'/tmp/exp')
import torch,time; torch.set_num_threads(1)
import label as L
from model.training.labels import teachers as T
from PIL import Image
import numpy as np
c=T.load_classifier() if hasattr(T,'load_classifier') else L.load_classifier()
c=c.to(memory_format=torch.channels_last)
ps=L.photos()[:3000:300]; r=np.random.default_rng(0); det=T.TextDetector()
tt=[0]*5
for p in ps:
    im=Image.open(p.path).convert('RGB'); w=T.draw_windows(r)
    crops=[im.crop(T.in_pixels(x,im.size)) for x in w]
    for k,f in enumerate([lambda:T.classify(crops,c,'cpu'),lambda:T.find_faces(crops),lambda:det.find(im),lambda:T.draw_cams(im,np.zeros(1000,np.float16),None,c,'cpu')]):
        t=time.time(); f(); tt[k]+=time.time()-t
print([x/len(ps) for x in tt])
def cl(dt):
    x=torch.randn(7,3,224,224).to(memory_format=torch.channels_last)
    for _ in range(2):
        t=time.time()
        with torch.inference_mode(), torch.autocast('cpu',torch.bfloat16,enabled=dt): c(x)
        e=time.time()-t
    return e
print('bf16',cl(True),'fp32',cl(False))
